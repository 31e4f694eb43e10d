/*
 * The forms in which a secret shows up in logs: as it is, line by line, in base64 at any
 * place of a longer text, escaped for a URL, for JSON and for a shell.
 */
#include <ctype.h>

#include "base/str.h"
#include "runner/supervisor/mask.h"

#define LINE_MIN 8 /* shorter lines of a value are no secrets by themselves */
#define PIECE 256  /* longer strings are looked for in pieces */
#define CORE_MIN 6 /* base64 digits that say enough to be hidden */

/* Where base64(1) and openssl(1) break lines. */
static const size_t wraps[] = { 76, 64 };

static void
add(struct mask *m, const char *text, size_t len)
{
	while (len >= 2 * (size_t)PIECE) {
		matcher_add(&m->secrets, text, PIECE);
		text += PIECE;
		len -= PIECE;
	}
	matcher_add(&m->secrets, text, len);
}

/* ---- base64 ---------------------------------------------------------------- */

static const char digits64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* With the two other digits of the alphabet for URLs, if it has any of them. */
static void
add_base64(struct mask *m, const char *text, size_t len)
{
	cleanup_free char *copy = xmemdup(text, len);
	bool differs = false;

	add(m, text, len);
	for (size_t i = 0; i < len; i++) {
		differs = differs || copy[i] == '+' || copy[i] == '/';
		copy[i] = (char)(copy[i] == '+' ? '-' : copy[i] == '/' ? '_' : copy[i]);
	}
	if (differs)
		add(m, copy, len);
}

/* The bit at this place of the value, when phase unknown bytes stand before it. */
static unsigned
bit_at(const struct buf *value, size_t phase, size_t bit)
{
	size_t byte = bit / 8 - phase;

	return (unsigned)(unsigned char)value->data[byte] >> (7 - bit % 8) & 1u;
}

/*
 * The digit at index, whose bits are known from first to last (exclusive); the others are
 * taken from guess, lowest first. How many were unknown is returned.
 */
static unsigned
digit_at(const struct buf *value, size_t phase, size_t index, unsigned guess, char *out)
{
	size_t first = phase * 8, last = first + value->len * 8;
	unsigned digit = 0, unknown = 0;

	for (size_t bit = index * 6; bit < index * 6 + 6; bit++) {
		digit <<= 1;
		if (bit >= first && bit < last)
			digit |= bit_at(value, phase, bit);
		else
			digit |= guess >> unknown++ & 1u;
	}
	*out = digits64[digit];
	return unknown;
}

/* The digits that depend on the value alone. */
static void
core_digits(
    const struct buf *value, size_t phase, size_t begin, size_t end, struct buf *out)
{
	for (size_t i = begin; i < end; i++) {
		char digit;

		digit_at(value, phase, i, 0, &digit);
		buf_add_char(out, digit);
	}
}

/*
 * A digit at either end that depends on a neighbour too: all it can be, so that not even
 * some bits of the secret stay visible.
 */
static void
add_with_edges(struct mask *m, const struct buf *value, size_t phase, size_t begin,
    size_t end, const struct buf *core)
{
	size_t head = core->len < PIECE ? core->len : PIECE;
	cleanup_buf struct buf text = BUF_INIT;
	unsigned unknown;
	char digit;

	for (unsigned guess = 0; begin > phase * 8 / 6 && guess < 16; guess++) {
		unknown = digit_at(value, phase, begin - 1, guess, &digit);
		if (guess >> unknown != 0)
			break;
		buf_reset(&text);
		buf_add_char(&text, digit);
		buf_add(&text, core->data, head);
		add_base64(m, text.data, text.len);
	}
	for (unsigned guess = 0; end * 6 < (phase + value->len) * 8 && guess < 16;
	     guess++) {
		unknown = digit_at(value, phase, end, guess, &digit);
		if (guess >> unknown != 0)
			break;
		buf_reset(&text);
		buf_add(&text, core->data + core->len - head, head);
		buf_add_char(&text, digit);
		add_base64(m, text.data, text.len);
	}
}

static void
add_wrapped(struct mask *m, const struct buf *core)
{
	for (size_t w = 0; w < ARRAY_LEN(wraps); w++) {
		for (size_t at = 0; core->len > wraps[w] && at < core->len;
		     at += wraps[w]) {
			size_t left = core->len - at;

			if (left >= CORE_MIN)
				add_base64(m, core->data + at,
				    left < wraps[w] ? left : wraps[w]);
		}
	}
}

/* phase bytes of something else stand before the value in its group of three. */
static void
add_phase(struct mask *m, const struct buf *value, size_t phase)
{
	size_t begin = (phase * 8 + 5) / 6, end = (phase + value->len) * 8 / 6;
	cleanup_buf struct buf core = BUF_INIT;

	if (end < begin + CORE_MIN)
		return;
	core_digits(value, phase, begin, end, &core);
	add_base64(m, core.data, core.len);
	add_with_edges(m, value, phase, begin, end, &core);
	if (phase == 0)
		add_wrapped(m, &core);
}

/* ---- escapes --------------------------------------------------------------- */

enum url_style {
	URL_STRICT = 0,     /* all but letters, digits and -._~ */
	URL_LOWER = 1,      /* %2f, not %2F */
	URL_KEEP_SLASH = 2, /* as Python's quote() */
	URL_KEEP_MARKS = 4, /* as encodeURIComponent() */
	URL_PLUS = 8,       /* a space is a plus, as in forms */
	URL_STYLES = 16
};

static bool
url_keeps(char c, unsigned style)
{
	return isalnum((unsigned char)c) || strchr("-._~", c) != NULL ||
	    ((style & URL_KEEP_SLASH) != 0 && c == '/') ||
	    ((style & URL_KEEP_MARKS) != 0 && strchr("!'()*", c) != NULL);
}

static void
add_url(struct mask *m, const struct buf *value, unsigned style)
{
	bool lower = (style & URL_LOWER) != 0;
	cleanup_buf struct buf out = BUF_INIT;

	for (size_t i = 0; i < value->len; i++) {
		char c = value->data[i];

		if (c != '\0' && isascii(c) && url_keeps(c, style))
			buf_add_char(&out, c);
		else if (c == ' ' && (style & URL_PLUS) != 0)
			buf_add_char(&out, '+');
		else
			buf_printf(&out, lower ? "%%%02x" : "%%%02X",
			    (unsigned)(unsigned char)c);
	}
	add(m, out.data, out.len);
}

enum json_style {
	JSON_PLAIN = 0,
	JSON_SLASH = 1, /* \/ as PHP writes it */
	JSON_HTML = 2,  /* < > & as \u003c, as Go writes them */
	JSON_ASCII = 4, /* all else as \u, as Python writes it */
	JSON_STYLES = 8
};

static void
add_json_char(struct buf *out, uint32_t c, unsigned style)
{
	static const char shorts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
	const char *found = c != 0 && c < 0x80 ? strchr(shorts, (int)c) : NULL;

	if (found != NULL)
		buf_printf(out, "\\%c", letters[found - shorts]);
	else if (c == '/' && (style & JSON_SLASH) != 0)
		buf_add_str(out, "\\/");
	else if (c < 0x20 ||
	    ((style & JSON_HTML) != 0 && (c == '<' || c == '>' || c == '&')))
		buf_printf(out, "\\u%04x", (unsigned)c);
	else
		buf_add_char(out, (char)c);
}

/* The character at p and how many bytes it takes; a stray byte counts as one. */
static size_t
decode(const unsigned char *p, size_t len, uint32_t *c)
{
	size_t n = *p < 0xc2 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	*c = *p;
	if (n > len || str_utf8_valid((const char *)p, n) != n)
		return 1;
	if (n > 1)
		*c = *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*c = *c << 6 | (p[i] & 0x3fu);
	return n;
}

static void
add_json(struct mask *m, const struct buf *value, unsigned style)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (size_t i = 0, n; i < value->len; i += n) {
		uint32_t c;

		n = decode((const unsigned char *)value->data + i, value->len - i, &c);
		if (c < 0x80)
			add_json_char(&out, c, style);
		else if ((style & JSON_ASCII) == 0 || n == 1)
			buf_add(&out, value->data + i, n);
		else if (c < 0x10000)
			buf_printf(&out, "\\u%04x", (unsigned)c);
		else
			buf_printf(&out, "\\u%04x\\u%04x",
			    (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
			    (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
	}
	add(m, out.data, out.len);
}

/* As `set -x` shows a value with single quotes in it. */
static void
add_shell(struct mask *m, const struct buf *value)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (size_t i = 0; i < value->len; i++) {
		if (value->data[i] == '\'')
			buf_add_str(&out, "'\\''");
		else
			buf_add_char(&out, value->data[i]);
	}
	add(m, out.data, out.len);
}

/* ---- a value --------------------------------------------------------------- */

/* Nothing in it is ever escaped. */
static bool
is_plain(const struct buf *value)
{
	for (size_t i = 0; i < value->len; i++)
		if (!isascii(value->data[i]) || !url_keeps(value->data[i], URL_STRICT) ||
		    value->data[i] == '\0')
			return false;
	return true;
}

static void
add_escapes(struct mask *m, const struct buf *value)
{
	add(m, value->data, value->len);
	if (is_plain(value))
		return;
	add_shell(m, value);
	for (unsigned style = 0; style < URL_STYLES; style++)
		add_url(m, value, style);
	for (unsigned style = 0; style < JSON_STYLES; style++)
		add_json(m, value, style);
}

static struct buf
trimmed(const char *data, size_t len)
{
	struct buf out = BUF_INIT;

	while (len > 0 && isspace((unsigned char)data[0])) {
		data++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)data[len - 1]))
		len--;
	buf_add(&out, data, len);
	return out;
}

static void
add_lines(struct mask *m, const struct buf *value)
{
	const char *at = value->data, *end = at + value->len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline == NULL ? end : newline) - at);
		cleanup_buf struct buf line = trimmed(at, len);

		if (line.len >= LINE_MIN)
			add_escapes(m, &line);
		at += len + 1;
	}
}

void
mask_add(struct mask *m, const char *secret, size_t len)
{
	cleanup_buf struct buf value = trimmed(secret, len);

	if (value.len < MATCHER_MIN_LEN)
		return;
	add_escapes(m, &value);
	for (size_t phase = 0; phase < 3; phase++)
		add_phase(m, &value, phase);
	if (memchr(value.data, '\n', value.len) != NULL)
		add_lines(m, &value);
}
