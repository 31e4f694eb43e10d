/*
 * Failed jobs that `pawl run --keep-failed` left as they were: a file of each below
 * STATE/kept, beside the supervisor that holds it (runner/supervisor/kept_wire.h). Any
 * number of processes; strings are the caller's or the arena's.
 */
#ifndef CLI_FROZEN_H
#define CLI_FROZEN_H

#include "base/arena.h"
#include "base/error.h"

struct frozen {
	const char *job; /* its name */
	int64_t id;
	const char *dir;     /* of the job; its supervisor listens there */
	const char *why;     /* "exit code 1" */
	const char *command; /* that failed; "": unknown */
	const char *log;     /* NULL: none */
	int64_t since;       /* seconds since 1970 */
};

MUST_CHECK int frozen_add(
    const char *state_dir, const struct frozen *frozen, struct error *err);

/* Those that are still there, by their ids, the newest first; others are forgotten. */
MUST_CHECK int frozen_list(const char *state_dir, struct arena *arena,
    struct frozen **out, size_t *count, struct error *err);

/* A socket to its supervisor. ERR_MISSING: it is gone. */
MUST_CHECK int frozen_knock(const struct frozen *frozen, struct error *err);

/* Let it go, once nobody looks at it when unless_used. Returns before it is gone. */
void frozen_end(const struct frozen *frozen, bool unless_used);

/* The job runs again: what an earlier run left of it goes, unless somebody looks. */
void frozen_replace(const char *state_dir, const char *job);

#endif
