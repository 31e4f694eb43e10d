/*
 * The folder of a commit's layer set, DIR/SHA: its own layer `tree`, a file `set` that
 * says what it is, and a `lock`, which whoever uses it holds shared and whoever makes or
 * removes it alone. The file is made last: without it there is nothing. Layers below its
 * own are those of other sets beside it, which stay for as long as it does. Only
 * runner/snapshot_commit.c, commit_choice.c, layer_gc.c and source*.c use this.
 */
#ifndef RUNNER_COMMIT_SET_H
#define RUNNER_COMMIT_SET_H

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

/* Files beside it that some sets have; runner/source*.c say what is in them. */
#define COMMIT_SET_NAMES "names"
#define COMMIT_SET_WORDS "words"
#define COMMIT_SET_SHALLOW "shallow"
#define COMMIT_SET_DEPTH "depth"
#define COMMIT_SET_LFS "lfs"
#define COMMIT_SET_PINS "pins"
#define COMMIT_SET_PLACE "place"

struct commit_set {
	struct strlist names; /* of the commits whose layers it has, its own first */
	int64_t oldest_ns, newest_ns; /* no file's modification time is outside */
	uint64_t bytes;               /* of its own layer */
	uint64_t count;               /* of the files of its lowest layer */
	char ways[HASH_SHA256_HEX];   /* commit_git_ways() when it was made */
};

/* ERR_MISSING: there is none. ERR_INVALID: it is damaged. */
MUST_CHECK int commit_set_read(
    const char *dir, struct commit_set *out, struct error *err);
MUST_CHECK int commit_set_write(
    const char *dir, const struct commit_set *set, struct error *err);
void commit_set_clear(struct commit_set *set);
#define cleanup_commit_set __attribute__((cleanup(commit_set_clear)))

/* how as flock() has it. The descriptor, or a negative code. */
MUST_CHECK int commit_set_lock(const char *dir, int how, struct error *err);

/* Names of all sets in sets_dir, the one used last first. */
void commit_set_list(const char *sets_dir, struct strlist *out);

/* Remove what is in it; the lock stays, for somebody may wait for it. */
void commit_set_empty(const char *dir);

#endif
