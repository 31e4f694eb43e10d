/*
 * The servers one has logged in to, each with a token: ~/.config/pawl/servers.json, which
 * only its owner can read.
 */
#ifndef CLI_LOGINS_H
#define CLI_LOGINS_H

#include "base/arena.h"
#include "base/error.h"

struct login {
	const char *url; /* as remote_read_server() leaves it */
	const char *token;
};

struct logins {
	struct login *items;
	size_t count;
};

/* The token for exactly that server; NULL: none. */
const char *logins_token(const struct logins *l, const char *url);

/* Where they are kept, malloced; NULL when there is no home folder. */
char *logins_path(void);

/* None at all when there is no such file (path NULL too). They lie in the arena. */
MUST_CHECK int logins_load(
    const char *path, struct arena *arena, struct logins *out, struct error *err);

/* Adds or replaces one; folders are made as needed. */
MUST_CHECK int logins_keep(
    const char *path, const char *url, const char *token, struct error *err);

#endif
