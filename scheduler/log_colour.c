#include "scheduler/log_colour.h"

#include <ctype.h>
#include <stdio.h>

enum { MAX_CODES = 64, MAX_CODE = 1000 };

/* "38:2::R:G:B" as "38;2;R;G;B": the third may name a space of colours. */
static size_t
without_space(int *codes, size_t group, size_t count)
{
	if (count - group != 6 || (codes[group] != 38 && codes[group] != 48) ||
	    codes[group + 1] != 2)
		return count;
	memmove(&codes[group + 2], &codes[group + 3], 3 * sizeof(*codes));
	return count - 1;
}

static size_t
read_codes(const char *at, const char *end, int codes[MAX_CODES])
{
	size_t count = 0, group = 0;

	for (;; at++) {
		int code = 0;

		for (; at < end && isdigit((unsigned char)*at); at++)
			if (code < MAX_CODE)
				code = code * 10 + (*at - '0');
		codes[count++] = code;
		if (at == end || *at != ':') {
			count = without_space(codes, group, count);
			group = count;
		}
		if (at == end || count == MAX_CODES)
			return count;
	}
}

static unsigned char
byte(const int *codes, size_t count, size_t i)
{
	return i >= count ? 0 : codes[i] > 255 ? 255 : (unsigned char)codes[i];
}

/* "38;5;N" and "38;2;R;G;B"; gives how many codes follow the first one. */
static size_t
set_extended(char out[20], const int *codes, size_t count)
{
	const int kind = count > 1 ? codes[1] : 0;
	const char *ground = codes[0] == 38 ? "38" : "48";

	out[0] = '\0';
	if (kind == 5)
		(void)snprintf(out, 20, "%s;5;%d", ground, byte(codes, count, 2));
	else if (kind == 2)
		(void)snprintf(out, 20, "%s;2;%d;%d;%d", ground, byte(codes, count, 2),
		    byte(codes, count, 3), byte(codes, count, 4));
	return kind == 5 ? 2 : kind == 2 ? 4 : 0;
}

/* The code is one of these words: 31 to 37, 91 to 97 and so on. */
static bool
is_plain(int code, int first)
{
	return (code >= first && code < first + 8) ||
	    (code >= first + 60 && code < first + 68);
}

static size_t
apply(struct log_colour *c, const int *codes, size_t count)
{
	static const unsigned ends[] = { [22] = 1U << 1 | 1U << 2,
		[23] = 1U << 3,
		[24] = 1U << 4,
		[27] = 1U << 7,
		[29] = 1U << 9 };
	const int code = codes[0];

	if (code == 0)
		*c = (struct log_colour){ .marks = 0 };
	else if (code == 38 || code == 48)
		return set_extended(code == 38 ? c->fg : c->bg, codes, count);
	else if (code < 10 && code != 5 && code != 6 && code != 8)
		c->marks |= 1U << code;
	else if ((size_t)code < ARRAY_LEN(ends))
		c->marks &= ~ends[code];
	else if (code == 39)
		c->fg[0] = '\0';
	else if (code == 49)
		c->bg[0] = '\0';
	else if (is_plain(code, 30))
		(void)snprintf(c->fg, sizeof(c->fg), "%d", code);
	else if (is_plain(code, 40))
		(void)snprintf(c->bg, sizeof(c->bg), "%d", code);
	return 0;
}

void
log_colour_read(struct log_colour *c, const char *text, size_t len)
{
	const char *end = text + len;
	int codes[MAX_CODES];

	while ((text = memchr(text, '\033', (size_t)(end - text))) != NULL) {
		const char *from = ++text;

		if (text == end || *text != '[')
			continue;
		for (from = ++text; text < end && *text >= '0' && *text <= ';'; text++)
			;
		if (text == end || *text != 'm')
			continue;
		for (size_t i = 0, count = read_codes(from, text, codes); i < count; i++)
			i += apply(c, codes + i, count - i);
	}
}

void
log_colour_text(const struct log_colour *c, char out[LOG_COLOUR_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned code = 1; code < 10; code++)
		if (c->marks & 1U << code)
			len += (size_t)snprintf(out + len, LOG_COLOUR_MAX - len,
			    len > 0 ? ";%u" : "%u", code);
	for (int i = 0; i < 2; i++) {
		const char *one = i == 0 ? c->fg : c->bg;

		if (*one != '\0')
			len += (size_t)snprintf(out + len, LOG_COLOUR_MAX - len, "%s%s",
			    len > 0 ? ";" : "", one);
	}
}
