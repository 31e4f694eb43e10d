/*
 * What went wrong, in a code for the program and a sentence for a person. Lives in
 * the caller's storage; nothing in it needs freeing. Functions that can fail return 0
 * or a negative code and fill it; the layer that knows more wraps it.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/base.h"

#define ERROR_MAX 1024

/* Codes are negative. -1 … -4095 are negated errno values; these lie below. */
enum error_code {
	ERR_INVALID = -5000,     /* the input is wrong; the message says where */
	ERR_LIMIT = -5001,       /* the input is larger, deeper or slower than allowed */
	ERR_MISSING = -5002,     /* what was asked for is not there */
	ERR_ENVIRONMENT = -5003, /* this machine lacks something; see the message */
	ERR_FOREIGN = -5004,     /* a library or program failed; its words are in msg */
	ERR_CANCELED = -5005,
};

struct error {
	int code; /* 0: no error */
	char msg[ERROR_MAX];
};

#define ERROR_INIT                                                                       \
	{                                                                                \
		.code = 0                                                                \
	}

/* Fill err (which may be NULL) and return code, so that a caller can return the call. */
int error_set(struct error *err, int code, const char *fmt, ...) PRINTF(3, 4);

/* The same from errno: "<sentence>: <strerror>", code -errno. */
int error_errno(struct error *err, const char *fmt, ...) PRINTF(2, 3);

/* Put "<prefix>: " before the message; returns err's code. */
int error_wrap(struct error *err, const char *fmt, ...) PRINTF(2, 3);

#ifdef PAWL_ANALYSER
/* An analyser sees one file at a time and has to be told that these codes are negative,
 * or it follows failures into the code after them. */
static inline int
error_negative(int code)
{
	if (code >= 0)
		__builtin_unreachable();
	return code;
}
#define error_set(...) error_negative((error_set)(__VA_ARGS__))
#define error_errno(...) error_negative((error_errno)(__VA_ARGS__))
#define error_wrap(...) error_negative((error_wrap)(__VA_ARGS__))
#endif

#endif
