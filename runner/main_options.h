/* The command line of pawl-runner, which `pawl runner` starts. Only runner/main*.c. */
#ifndef RUNNER_MAIN_OPTIONS_H
#define RUNNER_MAIN_OPTIONS_H

#include "runner/settings.h"

/* As the exit codes of pawl: cli/command.h. */
enum { OPTIONS_OK = 0, OPTIONS_FAILED = 1, OPTIONS_INVALID = 2, OPTIONS_FAULT = 3 };

struct options {
	struct arena *arena;
	const char *command; /* "run", "register", "verify", "help" */
	const char *config;  /* the settings' file, given or the usual one; may be NULL */
	bool config_given;
	struct runner_settings settings;
	struct runner_settings said;    /* of the command line; servers aside */
	struct runner_server given;     /* of the command line; url NULL: none */
	const char *description, *tags; /* register with a registration token */
};

/* OPTIONS_OK, or what to exit with once the message is out. */
int options_parse(int argc, char **argv, struct options *out);

/* Read the settings' file, if there is one, and put the command line's above it. */
int options_load(struct options *o);

void options_clear(struct options *o);

/* For people, on standard error: "pawl runner: …". */
void options_complain(const char *fmt, ...) PRINTF(1, 2);

/* runner/main_register.c */
int options_register(struct options *o);
int options_verify(struct options *o);

#endif
