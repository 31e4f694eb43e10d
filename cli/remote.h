/*
 * Which server and project a command means: chosen from what was said, the clone's
 * remotes and the servers one has logged in to. Pure: configuration and logins are
 * arguments. What is returned lies in the arena.
 */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/logins.h"

struct remote {
	const char *name;    /* git's, of the remote it came from; NULL: none was used */
	const char *server;  /* "http://host:8080", without a slash at the end */
	const char *project; /* "group/name"; NULL: none is known */
	const char *token;   /* of the remote's URL; NULL: none */
};

/* A URL of a server as people write it: without path or slashes at the end, credentials
 * are refused. ERR_INVALID. */
MUST_CHECK int remote_read_server(
    const char *text, struct arena *arena, const char **out, struct error *err);

/*
 * http(s)://[user[:token]@]HOST/GROUP/NAME[.git]; false for anything else. A server below
 * a path is recognised when it is in logins, or is `server` (NULL: none).
 */
bool remote_read_url(const char *url, const struct logins *logins, const char *server,
    struct arena *arena, struct remote *out);

struct remote_wanted {
	const char *server, *project; /* as said; NULL: not */
	const struct strlist *config; /* "section.key\nvalue", git_repo_config(); NULL */
	const char *branch;           /* the current one; NULL */
	const struct logins *logins;
};

/*
 * Of several remotes one on a server that is logged in to, else the one named "pawl",
 * else one with a token in its URL, else the branch's, else origin, else the first.
 * ERR_MISSING: there is none; project stays NULL if only that is unknown.
 */
MUST_CHECK int remote_choose(const struct remote_wanted *wanted, struct arena *arena,
    struct remote *out, struct error *err);

#endif
