/*
 * A server: its data folder, what listens, and the runner it starts beside itself. One
 * per process.
 */
#ifndef SCHEDULER_SERVER_H
#define SCHEDULER_SERVER_H

#include "base/error.h"

struct server_options {
	const char *data_dir;
	const char *listen; /* "127.0.0.1:8080" */
	const char *url;    /* as people reach it; NULL: from what it listens on */
	const char
	    *token_file; /* where the first administrator's token goes; NULL: shown */
	bool no_runner;
	int concurrent;            /* jobs of its own runner; 0: one per CPU */
	const char *runner, *hook; /* the programs pawl-runner and pawl-hook */
};

/* Runs until it is told to end. 0, or a negative code with err. */
MUST_CHECK int server_run(const struct server_options *options, struct error *err);

#endif
