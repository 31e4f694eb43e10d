/* pawl server: reads the command line and becomes pawl-server. */
#include <stdio.h>

#include "base/program.h"
#include "base/str.h"
#include "cli/commands.h"

#define MAX_ARGS 32

static const struct option_row own_options[] = {
	{ 0, "data", "DIR", "where everything is kept (default: this folder)" },
	{ 0, "config", "FILE", "settings, in YAML; what is said here goes over them" },
	{ 0, "listen", "ADDR:PORT", "where to listen (default: 127.0.0.1:8080)" },
	{ 0, "url", "URL",
	    "how people reach it (default: http:// and the address, or this machine's name)" },
	{ 0, "token-file", "FILE",
	    "write the first administrator's token there instead of showing it" },
	{ 0, "new-token", NULL, "make the first administrator another token" },
	{ 0, "no-runner", NULL, "start no runner beside the server" },
	{ 'j', "jobs", "N", "jobs its own runner does at once (default: one per CPU)" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, NULL };

static int
run(const struct args *args)
{
	static const char *const passed[] = { "data", "config", "listen", "url",
		"token-file" };
	const char *listen = args_value(args, "listen"), *url = args_value(args, "url");
	const char *jobs = args_value(args, "jobs");
	char *argv[MAX_ARGS] = { NULL };
	struct error err = ERROR_INIT;
	int64_t n = 0;
	size_t count = 1;

	if (args_count(args) > 0)
		return command_usage_error(args, "takes no words, only options");
	if (listen != NULL && strchr(listen, ':') == NULL)
		return command_usage_error(args,
		    "--listen %s: wanted ADDRESS:PORT, such as 127.0.0.1:8080", listen);
	if (url != NULL && !str_is_http_url(url))
		return command_usage_error(
		    args, "--url %s: wanted an address with http:// or https://", url);
	if (jobs != NULL && (!str_to_int64(jobs, &n) || n < 1 || n > 10000))
		return command_usage_error(
		    args, "-j %s: wanted a number from 1 on", jobs);
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		const char *value = args_value(args, passed[i]);

		if (value == NULL)
			continue;
		argv[count++] = xasprintf("--%s", passed[i]);
		argv[count++] = xstrdup(value);
	}
	if (jobs != NULL || args_has(args, "no-runner")) {
		argv[count++] = xstrdup("--concurrent");
		argv[count++] = args_has(args, "no-runner") ? xstrdup("-1")
							    : xasprintf("%" PRId64, n);
	}
	if (args_has(args, "new-token")) {
		argv[count++] = xstrdup("--new-token");
		argv[count++] = xstrdup("yes");
	}
	argv[count++] = xstrdup("--runner");
	argv[count++] = program_path("pawl-runner");
	argv[count++] = xstrdup("--hook");
	argv[count++] = program_path("pawl-hook");
	if (program_become("pawl-server", argv, &err) < 0)
		(void)fprintf(stderr, "pawl: %s\n", err.msg);
	for (size_t i = 1; i < count; i++)
		free(argv[i]);
	return EXIT_FAULT;
}

const struct command command_server = {
	.name = "server",
	.usage = "",
	.summary = "serve: git pushes, pipelines, runners",
	.description =
	    "A CI server for a team: `git push` to it, and the pipeline runs. In an empty "
	    "folder it makes what it needs there, prints its address, a token shown "
	    "once, and how to push a repository you have. The first push makes the "
	    "project.\n\n"
	    "It starts a runner beside itself, so that one machine is enough; others, "
	    "pawl's or GitLab's own, register with it. SIGTERM ends it in good order: no "
	    "new jobs, those that run go on under their supervisors and are found again "
	    "by the next start.",
	.options = options,
	.run = run,
};
