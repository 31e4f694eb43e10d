/*
 * A server: its data folder, what listens, and the runner it starts beside itself. One
 * per process.
 */
#ifndef SCHEDULER_SERVER_H
#define SCHEDULER_SERVER_H

#include <sys/resource.h>

#include "base/error.h"
#include "scheduler/settings.h"

struct server_options {
	const char *data_dir;
	const char
	    *token_file; /* where the first administrator's token goes; NULL: shown */
	bool new_token; /* one more for the first administrator, who has lost the first */
	const char *runner, *hook; /* the programs pawl-runner and pawl-hook */
	const struct server_settings *settings;
	struct rlimit files; /* for the runner and its jobs; the server's own are more */
};

/* Runs until it is told to end. 0, or a negative code with err. */
MUST_CHECK int server_run(const struct server_options *options, struct error *err);

#endif
