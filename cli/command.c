/* Parsing a command line by the tables, and the dispatch of `pawl`. */
#include "config.h"

#include "cli/command.h"

#include <stdio.h>
#include <unistd.h>

#include "base/str.h"

struct given {
	const struct option_row *row;
	const char *value;
};

struct args {
	const struct command *command;
	struct given *given;
	size_t given_count, given_cap;
	const char **words;
	size_t word_count, word_cap;
};

static const struct option_row help_row = { 'h', "help", NULL, "show this help" };

static const struct option_row *
find_option(const struct command *command, const char *name, size_t len, char letter)
{
	if (letter == 'h' || (name != NULL && len == 4 && memcmp(name, "help", 4) == 0))
		return &help_row;
	for (const struct option_row *const *g = command->options; *g != NULL; g++)
		for (const struct option_row *row = *g; row->name != NULL; row++)
			if (name != NULL ? strlen(row->name) == len &&
				    memcmp(row->name, name, len) == 0
					 : row->letter == letter)
				return row;
	return NULL;
}

static const char *
nearest_option(const struct command *command, const char *name)
{
	const char *names[64];
	size_t n = 0;

	for (const struct option_row *const *g = command->options; *g != NULL; g++)
		for (const struct option_row *row = *g; row->name != NULL && n < 63;
		     row++)
			names[n++] = row->name;
	names[n] = NULL;
	return str_nearest(name, names);
}

static int
unknown_option(const struct args *args, const char *name)
{
	const char *near = nearest_option(args->command, name);

	if (near != NULL)
		return command_usage_error(
		    args, "unknown option --%s; did you mean --%s?", name, near);
	return command_usage_error(args, "unknown option --%s", name);
}

static void
add_given(struct args *args, const struct option_row *row, const char *value)
{
	GROW(args->given, args->given_count, args->given_cap);
	args->given[args->given_count++] = (struct given){ row, value };
}

/* --name, --name=value, --name value; *next counts the words used after this one. */
static int
parse_long(struct args *args, const char *word, char **rest, size_t *next)
{
	const char *name = word + 2, *eq = strchr(name, '=');
	size_t len = eq != NULL ? (size_t)(eq - name) : strlen(name);
	const struct option_row *row = find_option(args->command, name, len, 0);

	if (row == NULL) {
		cleanup_free char *copy = xstrndup(name, len);

		return unknown_option(args, copy);
	}
	if (row->metavar == NULL) {
		if (eq != NULL)
			return command_usage_error(
			    args, "--%s takes no value", row->name);
		add_given(args, row, NULL);
	} else if (eq != NULL) {
		add_given(args, row, eq + 1);
	} else if (*rest != NULL) {
		add_given(args, row, *rest);
		*next = 1;
	} else {
		return command_usage_error(
		    args, "--%s needs a value: %s", row->name, row->metavar);
	}
	return 0;
}

/* -x, -xVALUE, -x VALUE, -xy for letters without values. */
static int
parse_short(struct args *args, const char *word, char **rest, size_t *next)
{
	for (const char *p = word + 1; *p != '\0'; p++) {
		const struct option_row *row = find_option(args->command, NULL, 0, *p);

		if (row == NULL)
			return command_usage_error(args, "unknown option -%c", *p);
		if (row->metavar == NULL) {
			add_given(args, row, NULL);
			continue;
		}
		if (p[1] != '\0') {
			add_given(args, row, p + 1);
		} else if (*rest != NULL) {
			add_given(args, row, *rest);
			*next = 1;
		} else {
			return command_usage_error(
			    args, "-%c needs a value: %s", *p, row->metavar);
		}
		return 0;
	}
	return 0;
}

static int
parse(struct args *args, char **argv)
{
	bool only_words = false;

	for (; *argv != NULL; argv++) {
		size_t next = 0;
		int rc = 0;

		if (only_words || argv[0][0] != '-' || argv[0][1] == '\0') {
			GROW(args->words, args->word_count, args->word_cap);
			args->words[args->word_count++] = *argv;
		} else if (str_eq(*argv, "--")) {
			only_words = true;
		} else if (argv[0][1] == '-') {
			rc = parse_long(args, *argv, argv + 1, &next);
		} else {
			rc = parse_short(args, *argv, argv + 1, &next);
		}
		if (rc != 0)
			return rc;
		argv += next;
	}
	return 0;
}

bool
args_has(const struct args *args, const char *name)
{
	for (size_t i = 0; i < args->given_count; i++)
		if (str_eq(args->given[i].row->name, name))
			return true;
	return false;
}

const char *
args_value(const struct args *args, const char *name)
{
	for (size_t i = args->given_count; i-- > 0;)
		if (str_eq(args->given[i].row->name, name))
			return args->given[i].value;
	return NULL;
}

const char *
args_next(const struct args *args, const char *name, size_t *pos)
{
	while (*pos < args->given_count) {
		const struct given *g = &args->given[(*pos)++];

		if (str_eq(g->row->name, name))
			return g->value;
	}
	return NULL;
}

static bool
is_in(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (str_eq(*list, name))
			return true;
	return false;
}

void
args_add_options(const struct args *args, const char *const *skip, struct buf *out)
{
	for (size_t i = 0; i < args->given_count; i++) {
		const struct given *g = &args->given[i];

		if (is_in(g->row->name, skip))
			continue;
		if (g->row->letter != 0)
			buf_printf(out, " -%c", g->row->letter);
		else
			buf_printf(out, " --%s", g->row->name);
		if (g->value != NULL) {
			buf_add_char(out, ' ');
			buf_add_shell_quoted(out, g->value);
		}
	}
}

size_t
args_count(const struct args *args)
{
	return args->word_count;
}

const char *
args_word(const struct args *args, size_t i)
{
	return args->words[i];
}

const struct command *
args_command(const struct args *args)
{
	return args->command;
}

int
command_usage_error(const struct args *args, const char *fmt, ...)
{
	cleanup_free char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	msg = xvasprintf(fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "pawl %s: %s\nTry: pawl %s --help\n", args->command->name,
	    msg, args->command->name);
	return EXIT_INVALID;
}

static const struct command *
find_command(const char *name)
{
	for (const struct command *const *c = commands; *c != NULL; c++)
		if (str_eq((*c)->name, name))
			return *c;
	return NULL;
}

static int
unknown_command(const char *name)
{
	const char *names[64];
	size_t n = 0;
	const char *near;

	for (const struct command *const *c = commands; *c != NULL && n < 63; c++)
		names[n++] = (*c)->name;
	names[n] = NULL;
	near = str_nearest(name, names);
	if (near != NULL)
		(void)fprintf(
		    stderr, "pawl: unknown command %s; did you mean %s?\n", name, near);
	else
		(void)fprintf(stderr, "pawl: unknown command %s\n", name);
	(void)fputs("Try: pawl --help\n", stderr);
	return EXIT_INVALID;
}

static int
print(struct buf *text)
{
	if (fwrite(text->data, 1, text->len, stdout) != text->len ||
	    fflush(stdout) != 0) {
		perror("pawl: cannot write to standard output");
		return EXIT_FAULT;
	}
	return EXIT_OK;
}

static int
run_command(const struct command *command, char **argv)
{
	struct args args = { .command = command };
	int rc = parse(&args, argv);

	if (rc == 0 && args_has(&args, "help")) {
		cleanup_buf struct buf out = BUF_INIT;

		command_help(command, &out);
		rc = print(&out);
	} else if (rc == 0) {
		rc = command->run(&args);
	}
	free(args.given);
	free(args.words);
	return rc;
}

/* pawl help [COMMAND], pawl help --man [COMMAND], pawl help --completion */
static int
help(char **argv)
{
	cleanup_buf struct buf out = BUF_INIT;
	const struct command *command = NULL;
	bool man = *argv != NULL && str_eq(*argv, "--man");

	if (*argv != NULL && str_eq(*argv, "--completion")) {
		command_completion(&out);
		return print(&out);
	}
	argv += man;
	if (*argv != NULL && (command = find_command(*argv)) == NULL)
		return unknown_command(*argv);
	if (man)
		command_man(command, &out);
	else
		command_help(command, &out);
	return print(&out);
}

int
command_main(int argc, char **argv)
{
	const struct command *command;
	const char *word = argc > 1 ? argv[1] : "--help";

	if (str_eq(word, "help"))
		return help(argv + 2);
	if (str_eq(word, "--help") || str_eq(word, "-h"))
		return help(argv + argc);
	if (str_eq(word, "--version")) {
		puts("pawl " PACKAGE_VERSION);
		return EXIT_OK;
	}
	command = find_command(word);
	if (command == NULL)
		return unknown_command(word);
	return run_command(command, argv + 2);
}
