/* Collecting findings, and showing one. */
#include "pipelines/diag.h"

#include <stdio.h>

#include "base/str.h"

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

/* ---- showing
 * -------------------------------------------------------------------------*/

/*
 * Two- and three-byte characters that steer a terminal or turn the reading direction:
 * C1 controls (U+0080…9F), U+200E/F, U+2028…2E, U+2066…69.
 */
static bool
steers_terminal(const unsigned char *p, size_t len)
{
	if (len == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (len != 3 || p[0] != 0xe2)
		return false;
	if (p[1] == 0x80)
		return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae);
	return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

/* Bytes of the character at p; 0 when it is no valid UTF-8. */
static size_t
char_len(const char *p, size_t left)
{
	unsigned char c = (unsigned char)*p;
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return len <= left && str_utf8_valid(p, len) == len ? len : 0;
}

static void
add_escaped(struct buf *out, const char *text)
{
	size_t left = strlen(text);

	for (const char *p = text; left > 0;) {
		size_t len = char_len(p, left);
		unsigned char c = (unsigned char)*p;

		if (*p == '\n')
			buf_add_str(out, "\\n");
		else if (*p == '\t')
			buf_add_str(out, "\\t");
		else if (len == 0 || c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else if (steers_terminal((const unsigned char *)p, len))
			for (size_t i = 0; i < len; i++)
				buf_printf(out, "\\x%02x", (unsigned char)p[i]);
		else
			buf_add(out, p, len);
		p += len == 0 ? 1 : len;
		left -= len == 0 ? 1 : len;
	}
}

void
diag_format(const struct diag *d, struct buf *out)
{
	if (d->at.file != NULL) {
		add_escaped(out, d->at.file);
		if (d->at.line > 0)
			buf_printf(out, ":%" PRIu32 ":%" PRIu32, d->at.line, d->at.col);
		buf_add_str(out, ": ");
	}
	buf_add_str(out, d->severity == DIAG_ERROR ? "error: " : "warning: ");
	if (d->job != NULL) {
		buf_add_str(out, "job \"");
		add_escaped(out, d->job);
		buf_add_str(out, "\": ");
	}
	add_escaped(out, d->msg);
}
