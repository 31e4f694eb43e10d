/*
 * Writes JSON, one value after the other, into a buffer as it comes. What is no valid
 * UTF-8 is replaced by U+FFFD, so that the result is always JSON. Keys keep their order;
 * that each comes once in its object is the caller's care.
 */
#ifndef BASE_JSON_WRITER_H
#define BASE_JSON_WRITER_H

#include "base/buf.h"

#define JSON_WRITER_DEPTH 32

struct json_writer {
	struct buf *out;               /* the caller's */
	bool comma[JSON_WRITER_DEPTH]; /* due before the next element, for each that is
					  open */
	size_t depth;                  /* how many are open */
	bool after_key, newline;
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

void json_add_string(struct json_writer *w, const char *s); /* NULL gives null */
void json_add_int(struct json_writer *w, int64_t n);
void json_add_real(struct json_writer *w, double n); /* not finite: null */
void json_add_bool(struct json_writer *w, bool b);
void json_add_null(struct json_writer *w);
void json_add_raw(struct json_writer *w, const char *json); /* a value, as it is */

/* The next element of the list, or its end, stands on a line of its own. */
void json_newline(struct json_writer *w);

/* A key with its value. */
void json_put_string(struct json_writer *w, const char *key, const char *s);
void json_put_int(struct json_writer *w, const char *key, int64_t n);
void json_put_bool(struct json_writer *w, const char *key, bool b);

#endif
