/* A token from a file, a pipe or a person. */
#include "cli/token.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"

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
int
token_read(const struct args *args, const char *server, char line[TOKEN_MAX])
{
	const char *path = args_value(args, "token-file");
	const size_t size = TOKEN_MAX;
	size_t len;
	int rc = EXIT_OK;

	if (path != NULL && !str_eq(path, "-"))
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
