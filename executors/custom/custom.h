/*
 * The executor `custom`: programs of the operator's, a driver, make the place a job runs
 * in and run its scripts there. The contract is that of GitLab's runner, so its drivers
 * work: config, prepare, run (once per stage) and cleanup, told by variables and exit
 * codes. The job's supervisor starts pawl-custom, which calls them.
 * Source: runner-protocol.md section 10.1.
 */
#ifndef EXECUTORS_CUSTOM_CUSTOM_H
#define EXECUTORS_CUSTOM_CUSTOM_H

#include "executors/executor.h"

/* One program of a driver. */
struct custom_command {
	const char *exec; /* NULL: there is none */
	const char **args;
	size_t arg_count;
	int64_t timeout_ms;
};

/* As a runner's settings have it. */
struct custom_settings {
	struct custom_command config, prepare, run, cleanup;
	const char *builds_dir, *cache_dir; /* NULL: config says it */
	int64_t graceful_ms;                /* between SIGTERM and SIGKILL */
	int64_t force_ms;                   /* after SIGKILL, until it is given up on */
};

#define CUSTOM_TIMEOUT_S 3600
#define CUSTOM_GRACEFUL_S 600
#define CUSTOM_FORCE_S 10

extern const struct executor executor_custom;

#endif
