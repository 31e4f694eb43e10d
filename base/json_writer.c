/* Brackets and commas are ours; what is not plain, jansson escapes and prints. */
#include "base/json_writer.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>

#include "base/str.h"

static const char replacement[] = "\xef\xbf\xbd";

/* What stands between this value and the one before. */
static void
separate(struct json_writer *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->depth > 0) {
		if (w->comma[w->depth - 1])
			buf_add_char(w->out, ',');
		w->comma[w->depth - 1] = true;
	}
	if (w->newline)
		buf_add_char(w->out, '\n');
	w->newline = false;
}

static void
begin(struct json_writer *w, char bracket)
{
	assert(w->depth < JSON_WRITER_DEPTH);
	separate(w);
	buf_add_char(w->out, bracket);
	w->comma[w->depth++] = false;
}

static void
end(struct json_writer *w, char bracket)
{
	w->depth--;
	if (w->newline)
		buf_add_char(w->out, '\n');
	w->newline = false;
	buf_add_char(w->out, bracket);
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

/* ---- values ---------------------------------------------------------------- */

static int
add_to_buf(const char *text, size_t len, void *data)
{
	buf_add(data, text, len);
	return 0;
}

static void
print(struct json_writer *w, json_t *value)
{
	/* cannot fail, as long as there is memory: one value, and the buffer grows */
	if (value == NULL ||
	    json_dump_callback(value, add_to_buf, w->out, JSON_ENCODE_ANY) < 0)
		abort();
	json_decref(value);
}

/* s with every byte that is no UTF-8 replaced. */
static char *
valid_utf8(const char *s)
{
	struct buf out = BUF_INIT;
	size_t len = strlen(s);

	for (;;) {
		size_t n = str_utf8_valid(s, len);

		buf_add(&out, s, n);
		if (n == len)
			return buf_take(&out);
		buf_add_str(&out, replacement);
		s += n + 1;
		len -= n + 1;
	}
}

/* Most strings are: jansson would take ten times as long to find nothing to escape. */
static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	return true;
}

static void
quote(struct json_writer *w, const char *s)
{
	cleanup_free char *fixed = NULL;

	if (is_plain(s)) {
		buf_add_char(w->out, '"');
		buf_add_str(w->out, s);
		buf_add_char(w->out, '"');
		return;
	}
	fixed = valid_utf8(s);
	print(w, json_string_nocheck(fixed));
}

void
json_key(struct json_writer *w, const char *key)
{
	separate(w);
	quote(w, key);
	buf_add_char(w->out, ':');
	w->after_key = true;
}

void
json_add_string(struct json_writer *w, const char *s)
{
	if (s == NULL) {
		json_add_null(w);
		return;
	}
	separate(w);
	quote(w, s);
}

void
json_add_int(struct json_writer *w, int64_t n)
{
	separate(w);
	buf_printf(w->out, "%" PRId64, n);
}

void
json_add_raw(struct json_writer *w, const char *json)
{
	separate(w);
	buf_add_str(w->out, json);
}

void
json_add_real(struct json_writer *w, double n)
{
	if (!isfinite(n)) {
		json_add_null(w);
		return;
	}
	separate(w);
	print(w, json_real(n));
}

void
json_add_bool(struct json_writer *w, bool b)
{
	separate(w);
	buf_add_str(w->out, b ? "true" : "false");
}

void
json_add_null(struct json_writer *w)
{
	separate(w);
	buf_add_str(w->out, "null");
}

void
json_newline(struct json_writer *w)
{
	w->newline = true;
}

void
json_put_string(struct json_writer *w, const char *key, const char *s)
{
	json_key(w, key);
	json_add_string(w, s);
}

void
json_put_int(struct json_writer *w, const char *key, int64_t n)
{
	json_key(w, key);
	json_add_int(w, n);
}

void
json_put_bool(struct json_writer *w, const char *key, bool b)
{
	json_key(w, key);
	json_add_bool(w, b);
}
