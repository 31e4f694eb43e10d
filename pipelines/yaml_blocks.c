/*
 * A hidden ASCII character c is U+10F000 + c, of a plane nobody uses: F4 8F 80+ 80+ in
 * UTF-8, which YAML takes for a letter.
 */
#include "pipelines/yaml_blocks.h"

#include <ctype.h>

#include "base/str.h"

#define HIDDEN_LEN 4

static bool
is_known(const char *data)
{
	return str_starts(data, "inputs.") || str_starts(data, "component.") ||
	    str_starts(data, "matrix.");
}

/*
 * The end of the block that starts at p, or NULL. One with an escape of quoted scalars in
 * it is not hidden: YAML has to undo the escape.
 */
static const char *
block_end(const char *p, const char *limit)
{
	const char *data = p + 3, *end = p + 3;

	while (end + 1 < limit && *end != '\n' && !(end[0] == ']' && end[1] == ']'))
		end++;
	if (end + 1 >= limit || *end != ']')
		return NULL;
	while (data < end && isspace((unsigned char)*data))
		data++;
	if (!is_known(data) || memchr(p, '\\', (size_t)(end - p)) != NULL)
		return NULL;
	for (const char *q = p; q + 1 < end; q++)
		if (q[0] == '\'' && q[1] == '\'')
			return NULL;
	return end + 2;
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
	const char *end;

	while ((p = memmem(p, (size_t)(limit - p), "$[[", 3)) != NULL) {
		end = block_end(p, limit);
		if (end == NULL) {
			p += 3;
			continue;
		}
		buf_add(out, done, (size_t)(p - done));
		hide(out, p, end);
		p = done = end;
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
