/*
 * The colours that a line of a log leaves to the next one: what "Select Graphic
 * Rendition" sequences have set and nothing has ended. As web/lib/ansi.js reads them.
 * Source: ECMA-48, 8.3.117; ISO 8613-6 for 38 and 48.
 */
#ifndef SCHEDULER_LOG_COLOUR_H
#define SCHEDULER_LOG_COLOUR_H

#include "base/base.h"

#define LOG_COLOUR_MAX 64 /* as text, with its end */

/* All zero: as it begins. */
struct log_colour {
	char fg[20], bg[20]; /* "31", "38;2;255;128;0"; empty: none */
	unsigned marks;      /* bit n: code n, of 1 (bold) to 9 (struck), is on */
};

/* What it is behind this text. */
void log_colour_read(struct log_colour *c, const char *text, size_t len);
/* The codes that set it: "1;31"; empty as it begins. */
void log_colour_text(const struct log_colour *c, char out[LOG_COLOUR_MAX]);

#endif
