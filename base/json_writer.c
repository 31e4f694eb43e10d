/*
 * The writer keeps the values that are still open on a stack and lets jansson print
 * what is complete. A list at the top has no jansson value: it is brackets and commas.
 */
#include "base/json_writer.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>

#include "base/str.h"

static const char replacement[] = "\xef\xbf\xbd";

static int
add_to_buf(const char *text, size_t len, void *data)
{
	buf_add(data, text, len);
	return 0;
}

static void
print(struct json_writer *w, json_t *value)
{
	if (w->in_list && w->comma)
		buf_add_char(w->out, ',');
	if (w->in_list && w->newline)
		buf_add_char(w->out, '\n');
	w->comma = true;
	w->newline = false;
	/* cannot fail: the values are trees of valid UTF-8, and the buffer grows */
	if (json_dump_callback(
		value, add_to_buf, w->out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
		abort();
	json_decref(value);
}

/* A complete value goes into the one it is part of, or out. */
static void
place(struct json_writer *w, json_t *value, char *key)
{
	json_t *parent = w->depth > 0 ? w->open[w->depth - 1] : NULL;

	if (value == NULL)
		abort(); /* no memory */
	if (parent == NULL)
		print(w, value);
	else if (key != NULL)
		json_object_set_new_nocheck(parent, key, value);
	else
		json_array_append_new(parent, value);
	free(key);
}

static void
begin(struct json_writer *w, json_t *value)
{
	assert(w->depth < JSON_WRITER_DEPTH);
	w->open[w->depth] = value;
	w->keys[w->depth++] = take(w->key);
}

static void
end(struct json_writer *w)
{
	json_t *value = w->open[--w->depth];

	place(w, value, take(w->keys[w->depth]));
}

void
json_begin_object(struct json_writer *w)
{
	begin(w, json_object());
}

void
json_end_object(struct json_writer *w)
{
	end(w);
}

void
json_begin_array(struct json_writer *w)
{
	if (w->depth > 0 || w->in_list) {
		begin(w, json_array());
		return;
	}
	w->in_list = true;
	w->comma = w->newline = false;
	buf_add_char(w->out, '[');
}

void
json_end_array(struct json_writer *w)
{
	if (w->depth > 0) {
		end(w);
		return;
	}
	w->in_list = false;
	if (w->newline)
		buf_add_char(w->out, '\n');
	w->newline = false;
	buf_add_char(w->out, ']');
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

void
json_key(struct json_writer *w, const char *key)
{
	w->key = valid_utf8(key);
}

void
json_add_string(struct json_writer *w, const char *s)
{
	size_t len = s != NULL ? strlen(s) : 0;
	cleanup_free char *fixed = NULL;

	if (s == NULL) {
		json_add_null(w);
		return;
	}
	if (str_utf8_valid(s, len) != len) {
		fixed = valid_utf8(s);
		s = fixed;
	}
	place(w, json_string_nocheck(s), take(w->key));
}

void
json_add_int(struct json_writer *w, int64_t n)
{
	place(w, json_integer(n), take(w->key));
}

void
json_add_real(struct json_writer *w, double n)
{
	place(w, isfinite(n) ? json_real(n) : json_null(), take(w->key));
}

void
json_add_bool(struct json_writer *w, bool b)
{
	place(w, json_boolean(b), take(w->key));
}

void
json_add_null(struct json_writer *w)
{
	place(w, json_null(), take(w->key));
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
