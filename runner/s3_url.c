/* The steps of the signature bear the names its specification gives them. */
#include "runner/s3_url.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SERVICE "s3"

struct signing {
	const struct s3_bucket *bucket;
	const struct s3_keys *keys;
	char date[32], day[16]; /* 20130524T000000Z, 20130524 */
	char scope[160];
	struct buf host, path, query;
};

static void
hex(const unsigned char *bytes, char out[HASH_SHA256_HEX])
{
	for (size_t i = 0; i < HASH_SHA256_BYTES; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* An object's name keeps its slashes. */
static void
add_path(struct buf *out, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, "/");
		cleanup_free char *part = xstrndup(name, n);

		buf_add_url_encoded(out, part);
		if (name[n] == '/')
			buf_add_char(out, '/');
		name += n + (name[n] == '/');
	}
}

static void
find_place(struct signing *s, const char *object)
{
	if (s->bucket->path_style) {
		buf_add_str(&s->host, s->bucket->host);
		buf_add_char(&s->path, '/');
		buf_add_url_encoded(&s->path, s->bucket->name);
	} else {
		buf_printf(&s->host, "%s.%s", s->bucket->name, s->bucket->host);
	}
	buf_add_char(&s->path, '/');
	add_path(&s->path, object);
}

/* In the order of their names, as they are signed. */
static void
add_query(struct signing *s, int64_t valid_s)
{
	cleanup_free char *who = xasprintf("%s/%s", s->keys->access_key, s->scope);
	struct buf *q = &s->query;

	buf_printf(q, "X-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=");
	buf_add_url_encoded(q, who);
	buf_printf(q, "&X-Amz-Date=%s&X-Amz-Expires=%" PRId64, s->date, valid_s);
	if (s->keys->session_token != NULL) {
		buf_add_str(q, "&X-Amz-Security-Token=");
		buf_add_url_encoded(q, s->keys->session_token);
	}
	buf_add_str(q, "&X-Amz-SignedHeaders=host");
}

/* A key for one day, region and service. */
static void
derive_key(const struct signing *s, unsigned char key[HASH_SHA256_BYTES])
{
	const char *const parts[] = { s->day, s->bucket->region, SERVICE,
		"aws4_request" };
	cleanup_free char *first = xasprintf("AWS4%s", s->keys->secret_key);
	unsigned char next[HASH_SHA256_BYTES];

	hash_hmac_sha256(first, strlen(first), parts[0], strlen(parts[0]), key);
	explicit_bzero(first, strlen(first));
	for (size_t i = 1; i < ARRAY_LEN(parts); i++) {
		hash_hmac_sha256(
		    key, HASH_SHA256_BYTES, parts[i], strlen(parts[i]), next);
		memcpy(key, next, sizeof(next));
	}
	explicit_bzero(next, sizeof(next));
}

static void
sign(const struct signing *s, const char *method, char out[HASH_SHA256_HEX])
{
	cleanup_free char *request =
	    xasprintf("%s\n%s\n%s\nhost:%s\n\nhost\nUNSIGNED-PAYLOAD", method,
		buf_str(&s->path), buf_str(&s->query), buf_str(&s->host));
	unsigned char key[HASH_SHA256_BYTES], signature[HASH_SHA256_BYTES];
	cleanup_free char *text = NULL;
	char hash[HASH_SHA256_HEX];

	hash_sha256_hex(request, strlen(request), hash);
	text = xasprintf(ALGORITHM "\n%s\n%s\n%s", s->date, s->scope, hash);
	derive_key(s, key);
	hash_hmac_sha256(key, sizeof(key), text, strlen(text), signature);
	explicit_bzero(key, sizeof(key));
	hex(signature, out);
}

char *
s3_url_sign(const struct s3_bucket *bucket, const struct s3_keys *keys,
    const char *method, const char *object, time_t now, int64_t valid_s)
{
	struct signing s = { .bucket = bucket, .keys = keys };
	char signature[HASH_SHA256_HEX];
	struct tm tm;
	char *url;

	gmtime_r(&now, &tm);
	(void)strftime(s.date, sizeof(s.date), "%Y%m%dT%H%M%SZ", &tm);
	(void)strftime(s.day, sizeof(s.day), "%Y%m%d", &tm);
	(void)snprintf(s.scope, sizeof(s.scope), "%s/%.100s/" SERVICE "/aws4_request",
	    s.day, bucket->region);
	find_place(&s, object);
	add_query(&s, valid_s < S3_URL_MAX_S ? valid_s : S3_URL_MAX_S);
	sign(&s, method, signature);
	url = xasprintf("%s://%s%s?%s&X-Amz-Signature=%s",
	    bucket->insecure ? "http" : "https", buf_str(&s.host), buf_str(&s.path),
	    buf_str(&s.query), signature);
	buf_clear(&s.host);
	buf_clear(&s.path);
	buf_clear(&s.query);
	return url;
}
