/* What the ways of making a snapshot share. Only runner/snapshot*.c include this. */
#ifndef RUNNER_SNAPSHOT_INTERNAL_H
#define RUNNER_SNAPSHOT_INTERNAL_H

#include "runner/snapshot.h"
#include "runner/snapshot_slot.h"

struct snapshot_names {
	struct strlist list;
	bool unread; /* a commit's, until they are asked for */
};

struct snapshot {
	struct slot slot;             /* or only its lock, of a commit's tree */
	struct strlist layers;        /* the top one first */
	struct snapshot_names *names; /* of its files */
	char *index;                  /* of a commit: git's, which has the names */
	size_t hash_len;
	struct strlist absent; /* submodules that are not there */
	int64_t oldest_ns, newest_ns;
	char *more_names; /* a file: those of an added set; NULL: there is none */
	int more_lock;    /* on it, or -1 */
};

/* Without layers and a lock. */
struct snapshot *snapshot_new(void);

/* Fill names from index; none when it cannot be read. */
void snapshot_read_names(const struct snapshot *s);

#endif
