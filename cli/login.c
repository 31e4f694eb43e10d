/* pawl login: keeps a token for a server. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/server_session.h"

#define MAX_TOKEN 4096

static const struct option_row own_options[] = {
	{ 0, "token-file", "FILE",
	    "read the token from the first line of FILE (default: asks for it, or reads "
	    "standard input)" },
	{ 'C', "directory", "DIR", "look at the remotes of the repository in DIR" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, NULL };

static void
on_interrupt(int signum UNUSED)
{
}

/* Without showing what is typed; Ctrl-C ends the reading, and pawl once that is undone.
 */
static void
ask(const char *server, char *line, size_t size)
{
	const struct sigaction caught = { .sa_handler = on_interrupt };
	struct sigaction before;
	struct termios shown, hidden;

	*line = '\0';
	(void)fprintf(stderr, "Token for %s (not shown): ", server);
	if (sigaction(SIGINT, &caught, &before) < 0 ||
	    tcgetattr(STDIN_FILENO, &shown) < 0)
		return;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	if (fgets(line, (int)size, stdin) == NULL)
		*line = '\0';
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	(void)fputc('\n', stderr);
	if (sigaction(SIGINT, &before, NULL) == 0 && ferror(stdin) != 0)
		(void)raise(SIGINT);
}

static int
read_file(const struct args *args, const char *path, char *line, size_t size)
{
	cleanup_fclose FILE *f = fopen(path, "re");

	if (f == NULL)
		return command_usage_error(
		    args, "cannot read %s: %s", path, strerror(errno));
	if (fgets(line, (int)size, f) == NULL)
		*line = '\0';
	return EXIT_OK;
}

/* The token is what stands in the first line, in line from then on. */
static int
read_token(const struct args *args, const char *server, char *line, size_t size)
{
	const char *path = args_value(args, "token-file");
	size_t len;
	int rc = EXIT_OK;

	if (path != NULL)
		rc = read_file(args, path, line, size);
	else if (isatty(STDIN_FILENO) == 1)
		ask(server, line, size);
	else if (fgets(line, (int)size, stdin) == NULL)
		*line = '\0';
	if (rc != EXIT_OK)
		return rc;
	len = strcspn(line, " \t\r\n");
	line[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (line[i] < 0x21 || line[i] > 0x7e)
			len = 0;
	if (len == 0)
		return command_usage_error(args, "no token was given: a word of ASCII");
	return EXIT_OK;
}

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
	char token[MAX_TOKEN];
	int rc;

	if (args_count(args) > 1)
		return command_usage_error(args, "takes one URL");
	rc = server_session_open_server(
	    &s, args, args_count(args) > 0 ? args_word(args, 0) : NULL);
	if (rc == EXIT_OK)
		rc = read_token(args, s.link.remote.server, token, sizeof(token));
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
