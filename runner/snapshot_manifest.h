/*
 * What a slot holds: one entry per file, with everything that tells whether the file it
 * was copied from is still the same. Written by the machine that reads it, and for it
 * alone; whatever looks wrong in it makes it empty. Only runner/snapshot*.c use this.
 */
#ifndef RUNNER_SNAPSHOT_MANIFEST_H
#define RUNNER_SNAPSHOT_MANIFEST_H

#include <sys/stat.h>

#include "base/error.h"

struct manifest_entry {
	const char *path; /* relative; kept by the manifest */
	uint64_t ino;
	int64_t size, mtime_ns, ctime_ns;
	uint32_t mode; /* with the type: a file, a link, or an empty folder */
};

struct manifest {
	struct manifest_entry *entries; /* by path, in the order of strcmp */
	size_t count, cap;
	int64_t taken_ns; /* when looking at the files began */
	char *text;       /* what was read; paths of a read manifest point into it */
	char **names;     /* paths of a made one */
	size_t name_count, name_cap;
};

#define MANIFEST_INIT                                                                    \
	{                                                                                \
		.entries = NULL                                                          \
	}

void manifest_clear(struct manifest *m);
#define cleanup_manifest __attribute__((cleanup(manifest_clear)))

/* Add a file; path is a malloced string and taken. */
void manifest_add_take(struct manifest *m, char *path, const struct stat *st);
void manifest_set(struct manifest_entry *e, const struct stat *st);
void manifest_sort(struct manifest *m);

/* A missing or damaged file gives an empty manifest. */
void manifest_read(struct manifest *m, const char *file);
MUST_CHECK int manifest_write(
    const struct manifest *m, const char *file, struct error *err);

/*
 * Is the copy made for old (of the manifest m) still right for a file that is now as
 * `now`? A file changed just before it was copied could have changed again without a
 * trace in its times, so those are not trusted once.
 */
bool manifest_is_current(const struct manifest *m, const struct manifest_entry *old,
    const struct manifest_entry *now);

#endif
