/*
 * pawl-server: started by `pawl server`, which has read and checked the command line. Its
 * own arguments are pairs of "--name value".
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "scheduler/server.h"

#define EXIT_ENVIRONMENT 3

static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{ "--data", offsetof(struct server_options, data_dir) },
	{ "--listen", offsetof(struct server_options, listen) },
	{ "--url", offsetof(struct server_options, url) },
	{ "--token-file", offsetof(struct server_options, token_file) },
	{ "--runner", offsetof(struct server_options, runner) },
	{ "--hook", offsetof(struct server_options, hook) },
};

static bool
set_option(struct server_options *o, const char *name, const char *value)
{
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (str_eq(texts[i].name, name)) {
			*(const char **)(void *)((char *)o + texts[i].offset) = value;
			return true;
		}
	if (str_eq(name, "--concurrent") && str_to_int64(value, &n)) {
		o->concurrent = (int)n;
		o->no_runner = n < 0;
		return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	struct server_options o = { .data_dir = ".", .listen = "127.0.0.1:0" };
	struct error err = ERROR_INIT;

	for (int i = 1; i + 1 < argc; i += 2)
		if (!set_option(&o, argv[i], argv[i + 1])) {
			(void)fprintf(stderr,
			    "pawl-server: %s: unknown; it is started by `pawl server`\n",
			    argv[i]);
			return 2;
		}
	log_set_level(LOG_INFO);
	if (server_run(&o, &err) < 0) {
		(void)fprintf(stderr, "pawl: %s\n", err.msg);
		return EXIT_ENVIRONMENT;
	}
	return 0;
}
