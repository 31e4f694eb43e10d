/*
 * A hidden ASCII character c is U+10F000 + c, of a plane nobody uses: F4 8F 80+ 80+ in
 * UTF-8, which YAML takes for a letter.
 */
#include "pipelines/yaml_blocks.h"

#include <ctype.h>

#include "base/str.h"

#define HIDDEN_LEN 4
#define LONGEST ((size_t)4096)

/* memchr, not memmem: what is behind the match is not to be looked at each time. */
const char *
yaml_blocks_open(const char *p, const char *limit)
{
	while (p < limit && (p = memchr(p, '$', (size_t)(limit - p))) != NULL) {
		if (limit - p >= 3 && p[1] == '[' && p[2] == '[')
			return p;
		p++;
	}
	return NULL;
}

const char *
yaml_blocks_close(const char *p, const char *limit)
{
	while (p < limit && (p = memchr(p, ']', (size_t)(limit - p))) != NULL) {
		if (limit - p >= 2 && p[1] == ']')
			return p;
		p++;
	}
	return NULL;
}

/* The text ends where the file does, without a NUL: compared within len. */
static bool
is_known(const char *data, size_t len)
{
	static const char *const known[] = { "inputs.", "component.", "matrix." };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		size_t n = strlen(known[i]);

		if (len >= n && memcmp(data, known[i], n) == 0)
			return true;
	}
	return false;
}

/*
 * Whether the block from p to before its "]]" at end is one to hide. One with an escape
 * of quoted scalars in it is not: YAML has to undo the escape.
 */
static bool
is_hideable(const char *p, const char *end)
{
	const char *data = p + 3;
	size_t len = (size_t)(end - p);

	while (data < end && isspace((unsigned char)*data))
		data++;
	return is_known(data, (size_t)(end - data)) && memchr(p, '\\', len) == NULL &&
	    memmem(p, len, "''", 2) == NULL;
}

static void
hide(struct buf *out, const char *from, const char *to)
{
	for (const char *p = from; p < to; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c >= 0x7f) {
			buf_add_char(out, *p);
			continue;
		}
		buf_add(out, "\xf4\x8f", 2);
		buf_add_char(out, (char)(0x80 | (c >> 6)));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

bool
yaml_blocks_hide(const char *text, size_t len, struct buf *out)
{
	const char *limit = text + len, *done = text, *p = text;
	const char *close = text; /* the next "]]", for all blocks that start before it */

	while ((p = yaml_blocks_open(p, limit)) != NULL) {
		const char *start = p, *newline;

		p += 3;
		if (close < p)
			close = yaml_blocks_close(p, limit);
		if (close == NULL)
			break;
		if ((size_t)(close - start) > LONGEST)
			continue;
		newline = memchr(p, '\n', (size_t)(close - p));
		if (newline != NULL)
			p = newline;
		if (newline != NULL || !is_hideable(start, close))
			continue;
		buf_add(out, done, (size_t)(start - done));
		hide(out, start, close + 2);
		p = done = close + 2;
	}
	if (done == text)
		return false;
	buf_add(out, done, (size_t)(limit - done));
	return true;
}

static bool
is_hidden(const unsigned char *p)
{
	return p[0] == 0xf4 && p[1] == 0x8f && (p[2] == 0x80 || p[2] == 0x81);
}

size_t
yaml_blocks_show(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		const unsigned char *p = (const unsigned char *)text + i;

		if (len - i < HIDDEN_LEN || !is_hidden(p)) {
			text[n++] = text[i++];
			continue;
		}
		text[n++] = (char)(((p[2] & 1) << 6) | (p[3] & 0x3f));
		i += HIDDEN_LEN;
	}
	text[n] = '\0';
	return n;
}
