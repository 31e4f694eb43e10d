/* Base64 as HTTP's Basic authentication has it. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Adds what text stands for; false when it is no base64, or holds a NUL. */
bool base64_decode(const char *text, struct buf *out);

/* Adds data as base64, with padding, in one line. */
void base64_encode(const void *data, size_t len, struct buf *out);

#endif
