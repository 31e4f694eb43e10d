/*
 * Between base/glob_compile.c, which makes a program of a pattern, and base/glob.c,
 * which runs it over paths.
 */
#ifndef BASE_GLOB_PROGRAM_H
#define BASE_GLOB_PROGRAM_H

#include "base/glob.h"

enum glob_op_kind {
	OP_CHAR,   /* this character */
	OP_ANY,    /* any but a slash */
	OP_SET,    /* one out of [...], never a slash */
	OP_STAR,   /* any number of characters but slashes */
	OP_ALL,    /* any number of any characters */
	OP_DIRS,   /* any number of whole folders; four states, see compile_dirs() */
	OP_IN_DIR, /* within one of them */
	OP_TAIL,   /* everything below, and before the slash: only if nothing follows */
	OP_SPLIT,  /* here and at `arg` */
	OP_JUMP,   /* at `arg` */
	OP_NEVER,  /* a dead end; the argument says why */
	OP_FITS,   /* the end of the pattern */
};

enum glob_never { NEVER_TOO_LONG, NEVER_TOO_DEEP, NEVER_OPEN_BRACE, NEVER_OPEN_SET };

struct glob_op {
	uint8_t kind;
	uint32_t arg; /* a character, a target, or where a set begins in the pattern */
	uint32_t end; /* where that set ends: its closing bracket */
};

struct glob_program {
	const char *pattern;
	enum glob_kind kind;
	struct glob_op *ops;
	size_t count, cap;
};

/* How many operations a pattern of that length can have. */
size_t glob_program_size(size_t len);

/* pattern, kind, ops and cap are set; fills ops and count. */
void glob_compile(struct glob_program *p);

/* The character at *s, which is moved behind it. A byte that is not UTF-8 stands for
 * itself, above all characters. */
uint32_t glob_next_char(const char **s);

#endif
