/*
 * The runner a server starts beside itself, so that one machine is enough. It outlives a
 * server that crashes; the next one finds it by its lock and starts no second one. One
 * that ends is started again. Loop thread.
 */
#ifndef SCHEDULER_OWN_RUNNER_H
#define SCHEDULER_OWN_RUNNER_H

#include <sys/resource.h>

#include "base/base.h"

struct own_runner;
struct uv_loop_s;

struct own_runner_options { /* strings are copied */
	struct uv_loop_s *loop;
	const char *program, *url, *socket, *token_file, *repos_dir, *state_dir, *name;
	const char *log_format;
	const char *executor, *config; /* may be NULL */
	struct rlimit files;           /* that it and its jobs may open */
	int concurrent;                /* 0: its own choice */
};

struct own_runner *own_runner_start(const struct own_runner_options *options);
/* It takes no more jobs and ends; those that run go on under their supervisors. */
void own_runner_stop(struct own_runner *r);             /* NULL is fine */
bool own_runner_is_running(const struct own_runner *r); /* false for NULL */
void own_runner_free(struct own_runner *r); /* leaves it running; NULL is fine */

#endif
