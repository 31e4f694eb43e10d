/*
 * SHA-1, where git's formats want it: as a check sum, never as a proof. Links libc only.
 * Source: FIPS 180-4, section 6.1.
 */
#ifndef BASE_SHA1_H
#define BASE_SHA1_H

#include "base/base.h"

#define SHA1_BYTES 20

void sha1(const void *data, size_t len, unsigned char out[SHA1_BYTES]);

#endif
