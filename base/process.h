/*
 * Run a child program to its end and keep what it prints. For questions to other
 * programs; the processes of jobs belong to the supervisor. Blocks; may be called from
 * any thread. The child gets SIGTERM when the thread that waits for it is gone, so that a
 * killed runner leaves no fetch behind. Links libc only.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/buf.h"

struct process {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;  /* NULL-terminated; NULL: this process's own */
	const char *cwd;         /* NULL: this process's own */
	size_t max_out; /* more output ends the child with ERR_LIMIT; 0: 64 MiB */
	int timeout_ms; /* longer ends the child with ERR_LIMIT; 0: 60 s */

	/* For long ones, may be NULL; called from process_run(). on_tick about every 250
	 * ms: false ends the child with ERR_CANCELED. on_error_line for each line of
	 * standard error, without its end; of a long one the last 4 KiB. */
	bool (*on_tick)(void *data);
	void (*on_error_line)(const char *line, void *data);
	void *data;
};

/*
 * The child's standard input is /dev/null; its standard output is appended to out.
 * Returns 0 when it exited with 0. Otherwise an error whose message is the last line the
 * child wrote to standard error: ERR_FOREIGN when it failed, ERR_MISSING when there is no
 * such program, ERR_LIMIT. status (may be NULL) gets the exit code, or 128 + the signal.
 */
MUST_CHECK int process_run(
    const struct process *p, struct buf *out, int *status, struct error *err);

#endif
