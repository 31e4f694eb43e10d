/*
 * Text of strangers made safe to show in a terminal or a message: names of jobs, files,
 * branches, values. Links libc only.
 */
#ifndef BASE_VISIBLE_H
#define BASE_VISIBLE_H

#include "base/buf.h"

/*
 * Adds text with \n, \t and \xNN in place of newlines, tabs, other control characters,
 * what turns the reading direction, and bytes that are no UTF-8.
 */
void visible_add(struct buf *out, const char *text);

/* Columns of a terminal that visible_add()'s result takes. */
size_t visible_width(const char *text);

/* Adds text so, then spaces up to width columns. */
void visible_add_padded(struct buf *out, const char *text, size_t width);

#endif
