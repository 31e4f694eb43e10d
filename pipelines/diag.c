/* Collecting findings, and showing one. */
#include "pipelines/diag.h"

#include <stdio.h>

#include "base/visible.h"

void
diags_init(struct diags *d, struct arena *arena)
{
	*d = (struct diags){ .arena = arena };
}

static void PRINTF(3, 0)
    add(struct diags *d, struct diag diag, const char *fmt, va_list ap)
{
	cleanup_free char *msg = NULL;

	if (diag.severity == DIAG_ERROR)
		d->errors++;
	if (d->count == DIAGS_MAX) {
		d->dropped++;
		return;
	}
	msg = xvasprintf(fmt, ap);
	diag.msg = arena_strdup(d->arena, msg);
	diag.job = arena_strdup(d->arena, diag.job);
	ARENA_GROW(d->arena, d->items, d->count, d->cap);
	d->items[d->count++] = diag;
}

void
diag_error(struct diags *d, enum diag_kind kind, struct mark at, const char *job,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d,
	    (struct diag){ .severity = DIAG_ERROR, .kind = kind, .at = at, .job = job },
	    fmt, ap);
	va_end(ap);
}

void
diag_warning(struct diags *d, enum diag_kind kind, struct mark at, const char *job,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d,
	    (struct diag){ .severity = DIAG_WARNING, .kind = kind, .at = at, .job = job },
	    fmt, ap);
	va_end(ap);
}

void
diag_format(const struct diag *d, struct buf *out)
{
	if (d->at.file != NULL) {
		visible_add(out, d->at.file);
		if (d->at.line > 0)
			buf_printf(out, ":%" PRIu32 ":%" PRIu32, d->at.line, d->at.col);
		buf_add_str(out, ": ");
	}
	buf_add_str(out, d->severity == DIAG_ERROR ? "error: " : "warning: ");
	if (d->job != NULL) {
		buf_add_str(out, "job \"");
		visible_add(out, d->job);
		buf_add_str(out, "\": ");
	}
	visible_add(out, d->msg);
}
