/*
 * Findings about a pipeline's files: collected, not thrown, so that several are
 * reported at once. Printed as `file:line:col: error: job "x": what is wrong; what to
 * do`.
 */
#ifndef PIPELINES_DIAG_H
#define PIPELINES_DIAG_H

#include "base/buf.h"
#include "pipelines/node.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

/* What kind of finding; --shape leaves out the kinds that need the whole pipeline. */
enum diag_kind {
	DIAG_SYNTAX,  /* not YAML, or a limit of reading it */
	DIAG_SHAPE,   /* a keyword has the wrong type, value or name */
	DIAG_LOGIC,   /* the pieces do not fit together: unknown stage, undefined need, no
			 script … */
	DIAG_INCLUDE, /* a file cannot be had */
};

struct diag {
	enum diag_severity severity;
	enum diag_kind kind;
	struct mark at;
	const char *job; /* NULL: not about one job */
	const char *msg;
};

struct diags {
	struct arena *arena; /* owns the texts; outlives this */
	struct diag *items;
	size_t count, cap;
	size_t errors;  /* of severity DIAG_ERROR */
	size_t dropped; /* beyond DIAGS_MAX, counted only */
};

#define DIAGS_MAX 200

void diags_init(struct diags *d, struct arena *arena);
void diag_error(struct diags *d, enum diag_kind kind, struct mark at, const char *job,
    const char *fmt, ...) PRINTF(5, 6);
void diag_warning(struct diags *d, enum diag_kind kind, struct mark at, const char *job,
    const char *fmt, ...) PRINTF(5, 6);

/* One finding as a line without newline; control characters of the input are escaped. */
void diag_format(const struct diag *d, struct buf *out);

#endif
