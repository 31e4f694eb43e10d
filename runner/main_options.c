/* Options, and the settings' file below them. */
#include "config.h"

#include "runner/main_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "base/str.h"

enum {
	OPT_URL = 256,
	OPT_TOKEN_FILE,
	OPT_UNIX,
	OPT_REPOS,
	OPT_CA,
	OPT_CONFIG,
	OPT_CONCURRENT,
	OPT_STATE,
	OPT_NAME,
	OPT_EXECUTOR,
	OPT_DESCRIPTION,
	OPT_TAGS,
	OPT_LOG_FORMAT,
	OPT_VERBOSE,
	OPT_HELP
};

static const struct row {
	struct option option;
	const char *metavar, *help;
} rows[] = {
	{ { "url", required_argument, NULL, OPT_URL }, "URL", "the server" },
	{ { "token-file", required_argument, NULL, OPT_TOKEN_FILE }, "FILE",
	    "where the token is; or set PAWL_RUNNER_TOKEN" },
	{ { "unix", required_argument, NULL, OPT_UNIX }, "SOCKET",
	    "reach the server through this socket" },
	{ { "repos", required_argument, NULL, OPT_REPOS }, "DIR",
	    "the server's repositories, if they are on this machine" },
	{ { "ca-file", required_argument, NULL, OPT_CA }, "FILE",
	    "trust these certificates, too" },
	{ { "config", required_argument, NULL, OPT_CONFIG }, "FILE", "the settings" },
	{ { "concurrent", required_argument, NULL, OPT_CONCURRENT }, "N",
	    "jobs at the same time" },
	{ { "state", required_argument, NULL, OPT_STATE }, "DIR",
	    "where jobs, sources and caches lie" },
	{ { "name", required_argument, NULL, OPT_NAME }, "NAME",
	    "what jobs see it called" },
	{ { "executor", required_argument, NULL, OPT_EXECUTOR }, "NAME",
	    "how jobs are run" },
	{ { "description", required_argument, NULL, OPT_DESCRIPTION }, "TEXT",
	    "register with a registration token: for the server's list of runners" },
	{ { "tags", required_argument, NULL, OPT_TAGS }, "A,B",
	    "register with a registration token: tags of jobs it takes" },
	{ { "log-format", required_argument, NULL, OPT_LOG_FORMAT }, "FORMAT",
	    "how it says what happens: text, or json for machines" },
	{ { "verbose", no_argument, NULL, OPT_VERBOSE }, NULL, "say what it does" },
	{ { "help", no_argument, NULL, OPT_HELP }, NULL, "show this text" },
};

void
options_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("pawl runner: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}

static void
show_help(void)
{
	(void)puts(
	    "usage: pawl runner run [--url URL --token-file FILE | --config FILE] …\n"
	    "       pawl runner register --url URL --token-file FILE [--config FILE]\n"
	    "       pawl runner verify [--url URL --token-file FILE | --config FILE]\n\n"
	    "run       asks servers (pawl or GitLab) for jobs and runs them here\n"
	    "register  asks the server whether the token is good, and adds both to the\n"
	    "          settings\n"
	    "verify    asks the servers whether the tokens are good\n\n"
	    "SIGTERM: no more jobs; those that run go on without the runner, and the\n"
	    "next one takes them over. SIGTERM again: the jobs are ended.\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *both = xasprintf("--%s %s", rows[i].option.name,
		    rows[i].metavar != NULL ? rows[i].metavar : "");

		(void)printf("  %-20s %s\n", both, rows[i].help);
	}
}

/* Where register puts them, and run looks. */
static const char *
usual_config(struct arena *arena)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return "/etc/pawl/runner.yml";
	if (xdg != NULL && *xdg == '/')
		return arena_printf(arena, "%s/pawl/runner.yml", xdg);
	if (home != NULL && *home == '/')
		return arena_printf(arena, "%s/.config/pawl/runner.yml", home);
	return NULL;
}

/* The loop may run in any folder: paths are made absolute. */
static const char *
absolute(struct arena *arena, const char *path)
{
	cleanup_free char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);

	return cwd == NULL ? path : arena_printf(arena, "%s/%s", cwd, path);
}

static bool
set_concurrent(struct options *o, const char *text)
{
	int64_t n;

	if (!str_to_int64(text, &n) || n < 1 || n > SETTINGS_MAX_CONCURRENT) {
		options_complain("--concurrent %s: wanted a number from 1 to %d", text,
		    SETTINGS_MAX_CONCURRENT);
		return false;
	}
	o->settings.concurrent = n;
	return true;
}

static bool
set_log_format(struct options *o, const char *text)
{
	o->settings.log_format = settings_log_format(text);
	if (o->settings.log_format == NULL)
		options_complain("--log-format %s: wanted text or json", text);
	return o->settings.log_format != NULL;
}

static bool
set_option(struct options *o, int which, const char *value)
{
	struct arena *a = o->arena;

	switch (which) {
	case OPT_URL:
		o->given.url = value;
		return true;
	case OPT_TOKEN_FILE:
		o->given.token_file = absolute(a, value);
		return true;
	case OPT_UNIX:
		o->given.unix_socket = absolute(a, value);
		return true;
	case OPT_REPOS:
		o->given.repos_dir = absolute(a, value);
		return true;
	case OPT_CA:
		o->given.ca_file = absolute(a, value);
		return true;
	case OPT_CONFIG:
		o->config = absolute(a, value);
		o->config_given = true;
		return true;
	case OPT_CONCURRENT:
		return set_concurrent(o, value);
	case OPT_STATE:
		o->settings.state_dir = absolute(a, value);
		return true;
	case OPT_NAME:
		o->settings.name = value;
		return true;
	case OPT_EXECUTOR:
		o->settings.executor = value;
		return true;
	case OPT_DESCRIPTION:
		o->description = value;
		return true;
	case OPT_TAGS:
		o->tags = value;
		return true;
	case OPT_LOG_FORMAT:
		return set_log_format(o, value);
	case OPT_VERBOSE:
		log_set_level(LOG_INFO);
		return true;
	case OPT_HELP:
		o->command = "help";
		return true;
	default:
		return false; /* getopt has said why */
	}
}

static bool
is_command(const char *word)
{
	return str_eq(word, "run") || str_eq(word, "register") ||
	    str_eq(word, "verify") || str_eq(word, "help");
}

int
options_parse(int argc, char **argv, struct options *o)
{
	struct option long_options[ARRAY_LEN(rows) + 1] = { { NULL, 0, NULL, 0 } };
	static char name[] = "pawl runner";
	int which;

	*o = (struct options){ .arena = arena_new() };
	o->settings.arena = o->arena;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		long_options[i] = rows[i].option;
	if (argc > 0)
		argv[0] = name; /* for getopt's messages */
	while ((which = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!set_option(o, which, optarg))
			return OPTIONS_INVALID;
	if (optind < argc && o->command == NULL)
		o->command = argv[optind++];
	if (o->command == NULL || !is_command(o->command)) {
		options_complain("%s%s%swanted run, register or verify; see --help",
		    o->command != NULL ? "there is no " : "",
		    o->command != NULL ? o->command : "", o->command != NULL ? ": " : "");
		return OPTIONS_INVALID;
	}
	if (optind < argc) {
		options_complain("%s: one word too many", argv[optind]);
		return OPTIONS_INVALID;
	}
	if (!str_eq(o->command, "register") &&
	    (o->description != NULL || o->tags != NULL)) {
		options_complain("%s: only `register` takes it",
		    o->description != NULL ? "--description" : "--tags");
		return OPTIONS_INVALID;
	}
	o->said = o->settings;
	if (str_eq(o->command, "help"))
		show_help();
	return OPTIONS_OK;
}

static int
read_file(struct options *o)
{
	struct runner_settings file = { .arena = o->arena };
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct diags diags;

	bool may_miss = !o->config_given || str_eq(o->command, "register");

	if (o->config == NULL || (may_miss && access(o->config, F_OK) < 0))
		return OPTIONS_OK;
	if (buf_read_file(&text, o->config, SETTINGS_MAX_BYTES, &err) < 0) {
		options_complain("the settings cannot be read: %s", err.msg);
		return OPTIONS_INVALID;
	}
	diags_init(&diags, o->arena);
	settings_read(buf_str(&text), text.len, o->config, &file, &diags);
	for (size_t i = 0; i < diags.count; i++) {
		cleanup_buf struct buf line = BUF_INIT;

		diag_format(&diags.items[i], &line);
		(void)fprintf(stderr, "%s\n", buf_str(&line));
	}
	if (diags.errors > 0)
		return OPTIONS_INVALID;
	if (o->settings.concurrent == 0)
		o->settings.concurrent = file.concurrent;
	if (o->settings.name == NULL)
		o->settings.name = file.name;
	if (o->settings.state_dir == NULL)
		o->settings.state_dir = file.state_dir;
	if (o->settings.executor == NULL)
		o->settings.executor = file.executor;
	if (o->settings.log_format == NULL)
		o->settings.log_format = file.log_format;
	o->settings.offline = file.offline;
	o->settings.custom = file.custom;
	o->settings.docker_host = file.docker_host;
	o->settings.docker_cert_dir = file.docker_cert_dir;
	o->settings.docker_network = file.docker_network;
	o->settings.images = file.images;
	o->settings.limits = file.limits;
	o->settings.privileged = file.privileged;
	o->settings.volumes = file.volumes;
	o->settings.volume_count = file.volume_count;
	o->settings.runtime = file.runtime;
	o->settings.pull_policy = file.pull_policy;
	o->settings.layers = file.layers;
	o->settings.cache = file.cache;
	o->settings.servers = file.servers;
	o->settings.server_count = file.server_count;
	o->settings.server_cap = file.server_cap;
	return OPTIONS_OK;
}

int
options_load(struct options *o)
{
	struct error err = ERROR_INIT;
	int rc;

	if (o->config == NULL)
		o->config = usual_config(o->arena);
	if (o->given.url != NULL && !o->config_given && !str_eq(o->command, "register"))
		rc = OPTIONS_OK; /* the server is named: another's settings do not matter
				  */
	else
		rc = read_file(o);
	if (rc != OPTIONS_OK)
		return rc;
	if (o->given.url != NULL)
		*settings_add_server(&o->settings) = o->given;
	if (o->settings.server_count == 0) {
		options_complain(
		    "no server is known: give --url URL and --token-file FILE, "
		    "or `pawl runner register` one");
		return OPTIONS_INVALID;
	}
	if (settings_complete(&o->settings, &err) < 0) {
		options_complain("%s", err.msg);
		return OPTIONS_INVALID;
	}
	return OPTIONS_OK;
}

void
options_clear(struct options *o)
{
	arena_free(o->arena);
	o->arena = NULL;
}
