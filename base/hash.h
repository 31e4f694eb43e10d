/* SHA-256, by libsodium. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/base.h"

#define HASH_SHA256_BYTES 32
#define HASH_SHA256_HEX 65 /* with the NUL */

/* Lower case, NUL-terminated. */
void hash_sha256_hex(const void *data, size_t len, char out[HASH_SHA256_HEX]);

/* The same in pieces. Caller's storage, nothing to free: init, add as often as wanted,
 * end once. */
struct hash {
	_Alignas(8) unsigned char state[128];
};

void hash_init(struct hash *h);
void hash_add(struct hash *h, const void *data, size_t len);
void hash_end(struct hash *h, unsigned char out[HASH_SHA256_BYTES]);
void hash_end_hex(struct hash *h, char out[HASH_SHA256_HEX]);

/* HMAC-SHA-256 with a key of any length. */
void hash_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[HASH_SHA256_BYTES]);

#endif
