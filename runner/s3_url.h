/*
 * Addresses of objects in an S3 store, signed so that whoever has one may do the one
 * thing it is for, for a while: AWS signature version 4 in the query, as S3's own clients
 * make them. Pure: the time is an argument.
 * Source: docs.aws.amazon.com, "Authenticating Requests: Using Query Parameters".
 */
#ifndef RUNNER_S3_URL_H
#define RUNNER_S3_URL_H

#include <time.h>

#include "base/base.h"

struct s3_bucket {
	const char *host; /* "minio.lan:9000"; without the scheme's own port */
	const char *name, *region;
	bool insecure;   /* http, not https */
	bool path_style; /* host/bucket/object, not bucket.host/object */
};

struct s3_keys {
	const char *access_key, *secret_key;
	const char *session_token; /* NULL: none */
};

#define S3_URL_MAX_S (7 * 24 * 3600) /* a store takes no longer */

/* malloced. method: "GET", "PUT"; object: its name, of any bytes. */
char *s3_url_sign(const struct s3_bucket *bucket, const struct s3_keys *keys,
    const char *method, const char *object, time_t now, int64_t valid_s);

#endif
