/* Cutting a trace into lines and cleaning them; most lines need no cleaning and cost a
 * scan. */
#include "cli/lines.h"

/* Any byte that is not plain text? Written so that the compiler can vectorise it. */
static bool
needs_cleaning(const char *s, size_t len)
{
	unsigned found = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		found |= (unsigned)(c < 0x20) & (unsigned)(c != '\t');
		found |= (unsigned)(c == 0x7f) | (unsigned)(c == 0xc2);
	}
	return found != 0;
}

/* Length of the escape sequence at s[0] == ESC; *is_color when it sets colours only. */
static size_t
escape_length(const char *s, size_t len, bool *is_color)
{
	size_t i = 2;

	*is_color = false;
	if (len < 2)
		return len;
	if (s[1] == '[') {
		bool plain = true;

		while (i < len && (unsigned char)s[i] >= 0x20 &&
		    (unsigned char)s[i] <= 0x3f) {
			plain = plain &&
			    ((s[i] >= '0' && s[i] <= '9') || s[i] == ';' || s[i] == ':');
			i++;
		}
		*is_color = plain && i < len && s[i] == 'm';
		return i < len ? i + 1 : len;
	}
	if (s[1] == ']' || s[1] == 'P' || s[1] == '_' || s[1] == '^' || s[1] == 'X') {
		while (i < len && s[i] != '\a' && s[i] != '\033')
			i++;
		if (i + 1 < len && s[i] == '\033' && s[i + 1] == '\\')
			i++;
		return i < len ? i + 1 : len;
	}
	return 2;
}

static void
clean(struct lines *lines, const char *s, size_t len)
{
	struct buf *out = &lines->clean;
	bool colored = false;

	buf_reset(out);
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)s[i];

		if (c == '\033') {
			bool is_color;
			size_t n = escape_length(s + i, len - i, &is_color);

			if (is_color && lines->colors) {
				buf_add(out, s + i, n);
				colored = true;
			}
			i += n;
		} else if (c == '\r') {
			if (i + 1 < len) /* what follows overwrites what was */
				buf_reset(out);
			i++;
		} else if ((c < 0x20 && c != '\t') || c == 0x7f) {
			i++;
		} else if (c == 0xc2 && i + 1 < len && (unsigned char)s[i + 1] < 0xa0) {
			i += 2; /* the C1 controls */
		} else {
			buf_add_char(out, (char)c);
			i++;
		}
	}
	if (colored)
		buf_add_str(out, "\033[0m");
}

static void
emit(struct lines *lines, const char *s, size_t len, line_cb cb, void *data)
{
	if (!needs_cleaning(s, len)) {
		cb(data, s, len);
		return;
	}
	clean(lines, s, len);
	cb(data, buf_str(&lines->clean), lines->clean.len);
}

void
lines_feed(struct lines *lines, const char *bytes, size_t len, line_cb cb, void *data)
{
	while (len > 0) {
		const char *nl = memchr(bytes, '\n', len);
		size_t n = nl != NULL ? (size_t)(nl - bytes) : len;

		if (nl != NULL && lines->partial.len == 0) {
			emit(lines, bytes, n, cb, data);
		} else {
			buf_add(&lines->partial, bytes, n);
			if (nl != NULL || lines->partial.len > LINES_MAX)
				lines_end(lines, cb, data);
		}
		n += nl != NULL;
		bytes += n;
		len -= n;
	}
}

void
lines_end(struct lines *lines, line_cb cb, void *data)
{
	if (lines->partial.len == 0)
		return;
	emit(lines, lines->partial.data, lines->partial.len, cb, data);
	buf_reset(&lines->partial);
}

void
lines_clear(struct lines *lines)
{
	buf_clear(&lines->partial);
	buf_clear(&lines->clean);
}
