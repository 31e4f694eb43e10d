/*
 * The command line as tables: each command is a row with its options, and parsing,
 * --help, the man pages and the shell completion all come from the same rows.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/base.h"
#include "base/buf.h"

/* Exit codes; design: 0 fine, 1 failed, 2 invalid input or usage. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_INVALID = 2,
	EXIT_FAULT = 3,        /* this machine lacks what was asked for */
	EXIT_UNREACHABLE = 75, /* the server is out of reach */
	EXIT_INTERRUPTED = 130,
};

struct option_row {
	char letter;         /* 0: long form only */
	const char *name;    /* "file" */
	const char *metavar; /* "FILE"; NULL: takes no value */
	const char *help;    /* a sentence without full stop */
};

struct args;

struct command {
	const char *name;
	const char *usage;   /* "[JOB…]"; "" for none */
	const char *summary; /* one line */
	const char
	    *description; /* for --help and the man page; paragraphs separated by \n\n */
	const struct option_row *const
	    *options; /* groups, each ending with an empty row; NULL ends */
	int (*run)(const struct args *args); /* returns the exit code */
};

/* Every command, ending with NULL: cli/commands.c. */
extern const struct command *const commands[];

/* Given options, in order; the last of a single-valued one counts. */
bool args_has(const struct args *args, const char *name);
const char *args_value(const struct args *args, const char *name); /* NULL: not given */
const char *args_next(
    const struct args *args, const char *name, size_t *pos); /* start at 0 */
/* The given options as a shell takes them, each with a space before it; skip ends with
 * NULL. */
void args_add_options(const struct args *args, const char *const *skip, struct buf *out);
size_t args_count(const struct args *args); /* words that are no options */
const char *args_word(const struct args *args, size_t i);
const struct command *args_command(const struct args *args);

/* Parse argv and run the command; returns the exit code. */
int command_main(int argc, char **argv);

/* Text of `pawl NAME --help`, of the man page (roff), of the bash completion. */
void command_help(const struct command *command, struct buf *out);
void command_man(
    const struct command *command, struct buf *out); /* NULL: pawl(1) itself */
void command_completion(struct buf *out);

/* "pawl NAME: <message>" on standard error; returns EXIT_INVALID. */
int command_usage_error(const struct args *args, const char *fmt, ...) PRINTF(2, 3);

#endif
