/* JSON, written. The writer remembers only whether a comma is due. */
#include "base/json_writer.h"

#include <math.h>

#include "base/str.h"

static void
begin_value(struct json_writer *w)
{
	if (w->comma)
		buf_add_char(w->out, ',');
	w->comma = true;
}

static void
begin(struct json_writer *w, char bracket)
{
	begin_value(w);
	buf_add_char(w->out, bracket);
	w->comma = false;
}

static void
end(struct json_writer *w, char bracket)
{
	buf_add_char(w->out, bracket);
	w->comma = true;
}

void
json_begin_object(struct json_writer *w)
{
	begin(w, '{');
}

void
json_end_object(struct json_writer *w)
{
	end(w, '}');
}

void
json_begin_array(struct json_writer *w)
{
	begin(w, '[');
}

void
json_end_array(struct json_writer *w)
{
	end(w, ']');
}

static const char *
short_escape(char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/* len bytes of valid UTF-8; runs that need no escape go out in one piece. */
static void
add_escaped(struct buf *out, const char *s, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i < len; i++) {
		const char *escape = short_escape(s[i]);

		if (escape == NULL && (unsigned char)s[i] >= 0x20 && s[i] != 0x7f)
			continue;
		buf_add(out, s + start, i - start);
		start = i + 1;
		if (escape != NULL)
			buf_add_str(out, escape);
		else
			buf_printf(out, "\\u%04x", (unsigned char)s[i]);
	}
	buf_add(out, s + start, len - start);
}

static void
add_string(struct buf *out, const char *s)
{
	size_t len = strlen(s);

	buf_add_char(out, '"');
	while (len > 0) {
		size_t valid = str_utf8_valid(s, len);

		add_escaped(out, s, valid);
		s += valid;
		len -= valid;
		if (len > 0) { /* s[0] begins no character */
			buf_add_str(out, "\\ufffd");
			s++;
			len--;
		}
	}
	buf_add_char(out, '"');
}

void
json_key(struct json_writer *w, const char *key)
{
	begin_value(w);
	add_string(w->out, key);
	buf_add_char(w->out, ':');
	w->comma = false;
}

void
json_string(struct json_writer *w, const char *s)
{
	if (s == NULL) {
		json_null(w);
		return;
	}
	begin_value(w);
	add_string(w->out, s);
}

void
json_int(struct json_writer *w, int64_t n)
{
	begin_value(w);
	buf_printf(w->out, "%" PRId64, n);
}

void
json_real(struct json_writer *w, double n)
{
	if (!isfinite(n)) {
		json_null(w);
		return;
	}
	begin_value(w);
	buf_printf(w->out, "%.17g", n);
}

void
json_bool(struct json_writer *w, bool b)
{
	begin_value(w);
	buf_add_str(w->out, b ? "true" : "false");
}

void
json_null(struct json_writer *w)
{
	begin_value(w);
	buf_add_str(w->out, "null");
}

void
json_newline(struct json_writer *w)
{
	if (w->comma)
		buf_add_char(w->out, ',');
	w->comma = false;
	buf_add_char(w->out, '\n');
}

void
json_put_string(struct json_writer *w, const char *key, const char *s)
{
	json_key(w, key);
	json_string(w, s);
}

void
json_put_int(struct json_writer *w, const char *key, int64_t n)
{
	json_key(w, key);
	json_int(w, n);
}

void
json_put_bool(struct json_writer *w, const char *key, bool b)
{
	json_key(w, key);
	json_bool(w, b);
}
