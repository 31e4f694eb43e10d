/*
 * pawl-server: started by `pawl server`, which has read and checked the command line. Its
 * own arguments are pairs of "--name value".
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "scheduler/server.h"

#define EXIT_USAGE 2
#define EXIT_ENVIRONMENT 3

struct options {
	const char *data, *listen, *url, *token_file, *config, *runner, *hook,
	    *concurrent, *new_token;
};

static const struct {
	const char *name;
	size_t offset;
} names[] = {
	{ "--data", offsetof(struct options, data) },
	{ "--listen", offsetof(struct options, listen) },
	{ "--url", offsetof(struct options, url) },
	{ "--token-file", offsetof(struct options, token_file) },
	{ "--config", offsetof(struct options, config) },
	{ "--runner", offsetof(struct options, runner) },
	{ "--hook", offsetof(struct options, hook) },
	{ "--concurrent", offsetof(struct options, concurrent) },
	{ "--new-token", offsetof(struct options, new_token) }, /* yes */
};

static bool
set_option(struct options *o, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i].name, name)) {
			*(const char **)(void *)((char *)o + names[i].offset) = value;
			return true;
		}
	return false;
}

/* Findings go to standard error, a line each; false when there are errors. */
static bool
read_settings(struct server_settings *s, const char *file, struct arena *arena)
{
	cleanup_buf struct buf text = BUF_INIT, out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct diags diags;

	if (buf_read_file(&text, file, SERVER_SETTINGS_MAX_BYTES, &err) < 0) {
		(void)fprintf(stderr, "pawl: --config: %s\n", err.msg);
		return false;
	}
	diags_init(&diags, arena);
	server_settings_read(s, buf_str(&text), text.len, file, &diags);
	for (size_t i = 0; i < diags.count; i++) {
		diag_format(&diags.items[i], &out);
		buf_add_char(&out, '\n');
	}
	(void)fputs(buf_str(&out), stderr);
	return diags.errors == 0;
}

/* The command line goes over the file. */
static void
apply(const struct options *o, struct server_settings *s)
{
	int64_t n;

	if (o->listen != NULL)
		s->listen = o->listen;
	if (o->url != NULL)
		s->url = o->url;
	if (o->concurrent != NULL && str_to_int64(o->concurrent, &n)) {
		s->runner.enabled = n >= 0;
		s->runner.jobs = n > 0 ? n : s->runner.jobs;
	}
}

/* As many as the system lets it; what it starts gets what it was given itself. */
static struct rlimit
open_more_files(void)
{
	struct rlimit given = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY },
		      all;

	if (getrlimit(RLIMIT_NOFILE, &given) == 0) {
		all = given;
		all.rlim_cur = all.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &all);
	}
	return given;
}

int
main(int argc, char **argv)
{
	cleanup_arena struct arena *arena = arena_new();
	struct options o = { .data = "." };
	struct server_settings settings;
	struct server_options server = { .settings = &settings };
	struct error err = ERROR_INIT;

	if (argc == 2 && str_eq(argv[1], "--version")) {
		printf("pawl-server %s\n", PACKAGE_VERSION);
		return 0;
	}
	for (int i = 1; i < argc; i += 2)
		if (i + 1 == argc || !set_option(&o, argv[i], argv[i + 1])) {
			(void)fprintf(stderr,
			    "pawl-server: %s: unknown; it is started by `pawl server`\n",
			    argv[i]);
			return EXIT_USAGE;
		}
	log_set_level(LOG_INFO);
	(void)signal(
	    SIGXFSZ, SIG_IGN); /* a limit is an error of the write, as a full disk is */
	server_settings_init(&settings);
	if (o.config != NULL && !read_settings(&settings, o.config, arena))
		return EXIT_USAGE;
	apply(&o, &settings);
	log_set_format(settings.log_format, "server");
	server.data_dir = o.data;
	server.token_file = o.token_file;
	server.new_token = o.new_token != NULL;
	server.files = open_more_files();
	server.runner = o.runner;
	server.hook = o.hook;
	if (server_run(&server, &err) < 0) {
		if (settings.log_format == LOG_FORMAT_JSON)
			log_error("%s", err.msg);
		else
			(void)fprintf(stderr, "pawl: %s\n", err.msg);
		return EXIT_ENVIRONMENT;
	}
	return 0;
}
