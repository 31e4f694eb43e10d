/*
 * Tokens and passwords: how they are made, kept and compared. By libsodium; nothing here
 * has state, any thread may call it.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/error.h"

/* What GitLab's tokens begin with; whoever masks logs knows them by that. */
#define SECRET_PERSONAL "glpat-" /* a user's, for the API and git */
#define SECRET_RUNNER "glrt-"    /* a runner's own */
#define SECRET_JOB "glcbt-"      /* a job's, while it runs */
#define SECRET_REGISTER "glrtr-" /* lets a runner register itself */

enum { SECRET_MAX = 64, SECRET_HASH_BYTES = 32, SECRET_PASSWORD_MAX = 128 };

/* prefix and 24 random letters and digits (142 bits), NUL-terminated. */
void secret_make_token(const char *prefix, char out[SECRET_MAX]);

/* What is kept of a token: its SHA-256. A random token needs no salt and no slow hash. */
void secret_hash_token(const char *token, unsigned char out[SECRET_HASH_BYTES]);

/* In a time that does not depend on what differs. */
bool secret_equal(const void *a, const void *b, size_t len);

/* argon2id, 19 MiB and some 20 ms: for a worker thread. Text that says how it was made.
 */
MUST_CHECK int secret_hash_password(
    const char *password, char out[SECRET_PASSWORD_MAX], struct error *err);
/* False also for a hash that is none. */
bool secret_check_password(const char *password, const char *hash);

/* len bytes nobody can guess. */
void secret_random(void *out, size_t len);

#endif
