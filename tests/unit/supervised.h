/*
 * Real jobs under a real supervisor, for tests: a folder, a loop, and what was heard.
 */
#ifndef TESTS_UNIT_SUPERVISED_H
#define TESTS_UNIT_SUPERVISED_H

#include <check.h>
#include <uv.h>

#include "base/path.h"
#include "runner/jobdir.h"
#include "runner/launcher.h"
#include "runner/script.h"
#include "runner/supervisor.h"

struct supervised {
	uv_loop_t loop;
	char *root;        /* temporary; holds jobs/ and project/ */
	struct jobdir dir; /* root/jobs/1 */
	char *trace_path, *project_dir, *upper, *work;
	struct spec spec;
	struct buf scripts[4];
	struct launcher *launcher;
	struct supervisor *supervisor;
	struct supervisor_events events; /* may be changed before it starts */
	void *data;

	/* what happened */
	bool done;
	struct supervisor_result result;
	struct buf trace; /* the whole log, read after the end */
	unsigned steps_seen;
	uint64_t told_bytes;
};

/*
 * The main() of such a test: all that add adds, once with supervisors that are started as
 * programs, and once with forked ones.
 */
int supervised_main(const char *name, double timeout_s, void (*add)(TCase *tc));

/* A tied job without steps in a plain folder, run by bash. */
void supervised_init(struct supervised *t);

/* Some containers allow no mounts at all; says so in the words that count as skipped. */
bool supervised_can_mount(void);

/* Work in an overlay over root/LAYER… that spec.lowers names by supervised_add_lower().
 */
void supervised_use_overlay(struct supervised *t);
void supervised_add_lower(struct supervised *t, const char *layer);

/* Make root/layer/file; its path, malloced. */
char *supervised_put_file(
    const struct supervised *t, const char *layer, const char *file, const char *text);

/* Add a step whose script is the items, a list that ends with NULL. */
struct spec_step *supervised_add_step(
    struct supervised *t, const char *name, const char *const *items);
struct spec_step *supervised_add_script(struct supervised *t, const char *item);

void supervised_start(struct supervised *t);
void supervised_wait(struct supervised *t); /* until on_done; reads the log */
void supervised_run(struct supervised *t);  /* both */

/* Run the loop until the log holds text. */
void supervised_await_log(struct supervised *t, const char *text);

/* No process of this job is left. */
bool supervised_left_nothing(const struct supervised *t);

/* Print what they are. */
void supervised_print_left(const struct supervised *t);

/* Until nobody holds the job's lock: its supervisor, wherever it was started, is gone. */
void supervised_await_unlock(const struct supervised *t);

/* Another process runs the job, until it is killed. */
pid_t supervised_run_elsewhere(struct supervised *t);
void supervised_kill_and_reap(pid_t pid);

/* The supervisor, which gives up its lock shortly before it is gone itself, is gone. */
void supervised_await_end(const struct supervised *t);

/* Until there is (or is no longer) such a file. */
void supervised_await_file(const char *path, bool exists);

void supervised_clear(struct supervised *t);

#endif
