/* Characters: which are shown, which are spelled out, and how wide they are. */
#include "base/visible.h"

#include "base/str.h"

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

static bool
is_shown(const char *p, size_t len)
{
	unsigned char c = (unsigned char)*p;

	return len > 0 && c >= 0x20 && c != 0x7f &&
	    !steers_terminal((const unsigned char *)p, len);
}

/* The character at p, spelled out; returns the columns it takes. */
static size_t
spell_out(struct buf *out, const char *p, size_t len)
{
	size_t before = out->len;

	if (*p == '\n')
		buf_add_str(out, "\\n");
	else if (*p == '\t')
		buf_add_str(out, "\\t");
	else
		for (size_t i = 0; i < (len == 0 ? 1 : len); i++)
			buf_printf(out, "\\x%02x", (unsigned char)p[i]);
	return out->len - before;
}

static uint32_t
decode(const char *p, size_t len)
{
	static const unsigned char lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)p[0] & lead[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	return c;
}

/* Columns, by ranges wide enough for names: combining marks 0, East Asian and emoji 2. */
static size_t
columns_of(uint32_t c)
{
	static const struct {
		uint32_t first, last;
		size_t columns;
	} ranges[] = {
		{ 0x0300, 0x036f, 0 },
		{ 0x1100, 0x115f, 2 },
		{ 0x200b, 0x200d, 0 },
		{ 0x2e80, 0xa4cf, 2 },
		{ 0xac00, 0xd7a3, 2 },
		{ 0xf900, 0xfaff, 2 },
		{ 0xfe00, 0xfe0f, 0 },
		{ 0xfe30, 0xfe6f, 2 },
		{ 0xff00, 0xff60, 2 },
		{ 0xffe0, 0xffe6, 2 },
		{ 0x1f300, 0x1faff, 2 },
		{ 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return ranges[i].columns;
	return 1;
}

/* Bytes of plain ASCII that text begins with: most of all text. */
static size_t
plain_len(const char *text)
{
	size_t n = 0;

	while (text[n] >= 0x20 && text[n] < 0x7f)
		n++;
	return n;
}

/* Returns the columns added. */
static size_t
add(struct buf *out, const char *text)
{
	size_t columns = 0, left = strlen(text);

	while (left > 0) {
		size_t plain = plain_len(text), len, step;

		buf_add(out, text, plain);
		columns += plain;
		text += plain;
		left -= plain;
		if (left == 0)
			break;
		len = char_len(text, left);
		step = len == 0 ? 1 : len;
		if (is_shown(text, len)) {
			buf_add(out, text, len);
			columns += columns_of(decode(text, len));
		} else {
			columns += spell_out(out, text, len);
		}
		text += step;
		left -= step;
	}
	return columns;
}

void
visible_add(struct buf *out, const char *text)
{
	add(out, text);
}

size_t
visible_width(const char *text)
{
	cleanup_buf struct buf scratch = BUF_INIT;

	return add(&scratch, text);
}

void
visible_add_padded(struct buf *out, const char *text, size_t width)
{
	for (size_t columns = add(out, text); columns < width; columns++)
		buf_add_char(out, ' ');
}
