/*
 * Writes JSON into a buffer, one value after the other; commas and escapes are its
 * business, the nesting is the caller's. What is no valid UTF-8 is replaced by U+FFFD, so
 * that the result is always JSON. Links libc only.
 */
#ifndef BASE_JSON_WRITER_H
#define BASE_JSON_WRITER_H

#include "base/buf.h"

struct json_writer {
	struct buf *out; /* the caller's */
	bool comma;      /* one is due before the next key or element */
};

#define JSON_WRITER_INIT(buffer)                                                         \
	{                                                                                \
		.out = (buffer)                                                          \
	}

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);

/* A key of the open object; its value follows. */
void json_key(struct json_writer *w, const char *key);

void json_string(struct json_writer *w, const char *s); /* NULL gives null */
void json_int(struct json_writer *w, int64_t n);
void json_real(struct json_writer *w, double n); /* not finite: null */
void json_bool(struct json_writer *w, bool b);
void json_null(struct json_writer *w);

/* The next element stands on a line of its own. */
void json_newline(struct json_writer *w);

/* A key with its value. */
void json_put_string(struct json_writer *w, const char *key, const char *s);
void json_put_int(struct json_writer *w, const char *key, int64_t n);
void json_put_bool(struct json_writer *w, const char *key, bool b);

#endif
