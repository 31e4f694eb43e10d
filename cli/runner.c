/* pawl runner: reads the command line and becomes pawl-runner. */
#include <stdio.h>

#include "base/program.h"
#include "base/str.h"
#include "cli/commands.h"

#define MAX_ARGS 40

static const struct option_row own_options[] = {
	{ 0, "url", "URL", "the server" },
	{ 0, "token-file", "FILE",
	    "where the runner's token is; or set PAWL_RUNNER_TOKEN" },
	{ 0, "config", "FILE", "the settings" },
	{ 0, "concurrent", "N", "jobs at the same time" },
	{ 0, "name", "NAME", "what jobs see it called" },
	{ 0, "state", "DIR", "where jobs, sources and caches lie" },
	{ 0, "executor", "NAME", "how jobs are run" },
	{ 0, "ca-file", "FILE", "trust these certificates, too" },
	{ 0, "unix", "SOCKET", "reach the server through this socket" },
	{ 0, "repos", "DIR", "the server's repositories, if they are on this machine" },
	{ 0, "description", "TEXT",
	    "register with a registration token: for the server's list of runners" },
	{ 0, "tags", "A,B", "register with a registration token: tags of jobs it takes" },
	{ 0, "log-format", "FORMAT",
	    "how it says what happens: text, or json for machines" },
	{ 0, "verbose", NULL, "say what it does" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, NULL };

static size_t
add_options(const struct args *args, char **argv, size_t count)
{
	for (const struct option_row *row = own_options; row->name != NULL; row++) {
		if (!args_has(args, row->name) || count + 3 > MAX_ARGS)
			continue;
		argv[count++] = xasprintf("--%s", row->name);
		if (row->metavar != NULL)
			argv[count++] = xstrdup(args_value(args, row->name));
	}
	return count;
}

static int
run(const struct args *args)
{
	static const char *const verbs[] = { "run", "register", "verify", NULL };
	const char *verb = args_count(args) == 1 ? args_word(args, 0) : "";
	char *argv[MAX_ARGS + 1] = { NULL };
	struct error err = ERROR_INIT;
	size_t count = 2;
	bool known = false;

	for (size_t i = 0; verbs[i] != NULL; i++)
		known = known || str_eq(verb, verbs[i]);
	if (!known)
		return command_usage_error(args, "wanted run, register or verify");
	argv[1] = xstrdup(verb);
	count = add_options(args, argv, count);
	if (program_become("pawl-runner", argv, &err) < 0)
		(void)fprintf(stderr, "pawl: %s\n", err.msg);
	for (size_t i = 1; i < count; i++)
		free(argv[i]);
	return EXIT_FAULT;
}

const struct command command_runner = {
	.name = "runner",
	.usage = "run|register|verify",
	.summary = "run jobs of a server on this machine",
	.description =
	    "Asks servers, pawl's or GitLab's, for jobs and runs them here. `register` asks "
	    "the server whether the token is good and adds both to the settings; `run` "
	    "serves; `verify` asks whether the tokens are good.\n\n"
	    "A job belongs to its supervisor: SIGTERM ends the runner and takes no more "
	    "jobs, those that run go on, and the next runner takes them over. SIGTERM "
	    "again ends the jobs.",
	.options = options,
	.run = run,
};
