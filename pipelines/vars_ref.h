/*
 * Between the files that know variables from within: references in a text, names.
 */
#ifndef PIPELINES_VARS_REF_H
#define PIPELINES_VARS_REF_H

#include "base/base.h"

enum var_ref_kind {
	VAR_REF_NONE,   /* no more; the rest of the text is plain */
	VAR_REF_NAME,   /* `$name`, `${name}` or `%name%` */
	VAR_REF_ESCAPE, /* `$$`, `%%` */
};

struct var_ref {
	enum var_ref_kind kind;
	const char *start; /* where it begins in the text */
	size_t len;        /* of the whole reference */
	const char *name;
	size_t name_len;
};

/* The next reference at or after text. */
struct var_ref var_ref_next(const char *text);

uint32_t vars_hash(const char *name, size_t len);

static inline bool
vars_name_is(const char *whole, const char *name, size_t len)
{
	return strncmp(whole, name, len) == 0 && whole[len] == '\0';
}

#endif
