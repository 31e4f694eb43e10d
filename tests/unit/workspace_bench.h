/*
 * A repository, a snapshot of it, and a workspace folder as a job would find it: a copy
 * that tests change and collect from. For artifacts, caches and what they match.
 */
#ifndef TESTS_WORKSPACE_BENCH_H
#define TESTS_WORKSPACE_BENCH_H

#include "protocol/job.h"
#include "runner/workspace.h"

struct workspace_bench {
	char *root, *repo_dir, *dir, *store; /* root/r, root/w, root/store */
	struct git_repo *repo;
	struct snapshot *snapshot;
	struct strlist env;
	struct workspace_view view;
	struct buf log;
};

/* The repository holds src/a.c, src/b.c and README, ignores *.o. */
void workspace_bench_open(struct workspace_bench *b);
void workspace_bench_close(struct workspace_bench *b);
#define cleanup_workspace_bench __attribute__((cleanup(workspace_bench_close)))

/* A new snapshot and a fresh workspace from it. */
void workspace_bench_renew(struct workspace_bench *b);

#endif
