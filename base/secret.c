/* Tokens and passwords, by libsodium. */
#include "base/secret.h"

#include <sodium.h>
#include <stdio.h>

#include "base/hash.h"

static const char letters[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

enum { TOKEN_LETTERS = 24 };

/* What OWASP names as the least for argon2id: 19 MiB, two passes. */
enum { PASSWORD_PASSES = 2, PASSWORD_BYTES = 19 * 1024 * 1024 };

_Static_assert(crypto_pwhash_STRBYTES <= SECRET_PASSWORD_MAX, "no room for a hash");

static void
need_sodium(void)
{
	if (sodium_init() < 0)
		abort(); /* no source of randomness: nothing can be secret */
}

void
secret_make_token(const char *prefix, char out[SECRET_MAX])
{
	size_t len = strlen(prefix);

	need_sodium();
	if (len + TOKEN_LETTERS >= SECRET_MAX)
		abort();
	memcpy(out, prefix, len);
	for (size_t i = 0; i < TOKEN_LETTERS; i++)
		out[len + i] = letters[randombytes_uniform(sizeof(letters) - 1)];
	out[len + TOKEN_LETTERS] = '\0';
}

void
secret_hash_token(const char *token, unsigned char out[SECRET_HASH_BYTES])
{
	struct hash h;

	hash_init(&h);
	hash_add(&h, token, strlen(token));
	hash_end(&h, out);
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

int
secret_hash_password(
    const char *password, char out[SECRET_PASSWORD_MAX], struct error *err)
{
	need_sodium();
	if (crypto_pwhash_str_alg(out, password, strlen(password), PASSWORD_PASSES,
		PASSWORD_BYTES, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "no memory to hash a password (%d MiB)",
		    PASSWORD_BYTES / 1024 / 1024);
	return 0;
}

bool
secret_check_password(const char *password, const char *hash)
{
	need_sodium();
	return strlen(hash) < crypto_pwhash_STRBYTES &&
	    crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

void
secret_random(void *out, size_t len)
{
	need_sodium();
	randombytes_buf(out, len);
}
