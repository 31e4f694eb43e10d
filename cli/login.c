/* pawl login: keeps a token for a server. */
#include <stdio.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/server_session.h"
#include "cli/token.h"

static const struct option_row own_options[] = {
	{ 0, "token-file", "FILE",
	    "read the token from the first line of FILE (default: asks for it, or reads "
	    "standard input)" },
	{ 'C', "directory", "DIR", "look at the remotes of the repository in DIR" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, NULL };

struct version {
	const char *version;
};

static const struct json_field version_fields[] = {
	{ JSON_FIELD("version", STRING, struct version, version) },
	{ NULL },
};
static const struct json_shape version_shape = { version_fields, sizeof(struct version) };

static int
check(struct server_link *l)
{
	cleanup_server_reply struct server_reply r = SERVER_REPLY_INIT;
	struct version version = { NULL };
	int rc;

	server_call(l, &(struct server_call){ .path = "/api/v4/version" }, &r);
	if (r.status == 401) {
		(void)fprintf(
		    stderr, "pawl: %s does not accept this token\n", l->remote.server);
		return EXIT_INVALID;
	}
	if (!server_reply_is_ok(&r))
		return server_link_fail(l, &r, NULL);
	rc = server_link_read(
	    l, "/api/v4/version", &r.body, &version_shape, l->arena, &version);
	if (rc != EXIT_OK || version.version != NULL)
		return rc;
	(void)fprintf(stderr, "pawl: %s is no pawl server: it does not say its version\n",
	    l->remote.server);
	return EXIT_INVALID;
}

static int
keep(const struct server_link *l)
{
	cleanup_free char *path = logins_path();
	struct error err = ERROR_INIT;

	if (path == NULL) {
		(void)fprintf(stderr,
		    "pawl: neither HOME nor XDG_CONFIG_HOME says where to keep the token\n");
		return EXIT_FAULT;
	}
	if (logins_keep(path, l->remote.server, l->remote.token, &err) < 0) {
		(void)fprintf(stderr, "pawl: %s\n", err.msg);
		return EXIT_FAULT;
	}
	printf("Logged in to %s; the token is kept in %s\n", l->remote.server, path);
	return EXIT_OK;
}

static int
run(const struct args *args)
{
	cleanup_server_session struct server_session s = SERVER_SESSION_INIT;
	char token[TOKEN_MAX];
	int rc;

	if (args_count(args) > 1)
		return command_usage_error(args, "takes one URL");
	rc = server_session_open_server(
	    &s, args, args_count(args) > 0 ? args_word(args, 0) : NULL);
	if (rc == EXIT_OK)
		rc = token_read(args, s.link.remote.server, token);
	if (rc != EXIT_OK)
		return rc;
	s.link.remote.token = token;
	rc = check(&s.link);
	return rc == EXIT_OK ? keep(&s.link) : rc;
}

const struct command command_login = {
	.name = "login",
	.usage = "[URL]",
	.summary = "keep a token for a server",
	.description =
	    "Reads a token, tries it, and keeps it for the server at URL, or, without one, "
	    "for the server this clone is pushed to, in ~/.config/pawl/servers.json, which "
	    "only you can read. The token is asked for; in a pipe it is the first line of "
	    "standard input.\n\n"
	    "status, logs, retry, cancel, play, trigger and artifacts take server and "
	    "project from --server and --project, else from a remote of the clone of the "
	    "form http(s)://HOST/GROUP/NAME.git: first one of a server you are logged in to, "
	    "then the one named pawl, then one with a token in its URL, then the branch's, "
	    "then origin. Their token is that of the remote's URL, else the one kept "
	    "here, else that in the environment variable PAWL_TOKEN.",
	.options = options,
	.run = run,
};
