/* SHA-256 in one go and in pieces; the one file that knows libsodium's types for it. */
#include "base/hash.h"

#include <sodium.h>

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(((struct hash *)0)->state),
    "struct hash has no room for libsodium's state");

static crypto_hash_sha256_state *
state_of(struct hash *h)
{
	return (void *)h->state;
}

void
hash_init(struct hash *h)
{
	crypto_hash_sha256_init(state_of(h));
}

void
hash_add(struct hash *h, const void *data, size_t len)
{
	if (len > 0)
		crypto_hash_sha256_update(state_of(h), data, len);
}

void
hash_end(struct hash *h, unsigned char out[HASH_SHA256_BYTES])
{
	crypto_hash_sha256_final(state_of(h), out);
}

void
hash_end_hex(struct hash *h, char out[HASH_SHA256_HEX])
{
	unsigned char digest[HASH_SHA256_BYTES];

	hash_end(h, digest);
	sodium_bin2hex(out, HASH_SHA256_HEX, digest, sizeof(digest));
}

void
hash_sha256_hex(const void *data, size_t len, char out[HASH_SHA256_HEX])
{
	struct hash h;

	hash_init(&h);
	hash_add(&h, data, len);
	hash_end_hex(&h, out);
}

void
hash_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[HASH_SHA256_BYTES])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, key_len);
	crypto_auth_hmacsha256_update(&state, data, len);
	crypto_auth_hmacsha256_final(&state, out);
	explicit_bzero(&state, sizeof(state));
}
