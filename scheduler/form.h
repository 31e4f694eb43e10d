/*
 * multipart/form-data as it comes in: the content of one part named "file", piece by
 * piece, with constant memory; or all parts as fields, whole. Pure; hostile bytes are
 * expected. RFC 7578, RFC 2046.
 */
#ifndef SCHEDULER_FORM_H
#define SCHEDULER_FORM_H

#include "base/error.h"

struct form;

struct form_events {
	/* Once, before its bytes. name is the file's own, without folders; "" if not
	 * said. A negative return ends it with that code. */
	int (*on_file)(const char *name, void *data, struct error *err);
	int (*on_bytes)(const char *bytes, size_t len, void *data, struct error *err);
	/* Instead of the two above: each part, which is held in memory until its end. */
	int (*on_field)(const char *name, const char *value, size_t len, void *data,
	    struct error *err);
	void *data;
};

/* content_type is the request's header. ERR_INVALID when it is no such form. */
MUST_CHECK int form_new(const char *content_type, const struct form_events *events,
    struct form **out, struct error *err);
MUST_CHECK int form_add(struct form *f, const char *bytes, size_t len, struct error *err);
/* At the end of the body. ERR_INVALID: cut off, or without the file. */
MUST_CHECK int form_end(struct form *f, struct error *err);
void form_free(struct form *f); /* NULL is fine */

#endif
