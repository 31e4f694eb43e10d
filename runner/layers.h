/*
 * Layers: folders that an overlay stacks, and what stands in them for what is gone. Both
 * ways of using them, mounted and copied, show the same files. Blocks; any thread.
 */
#ifndef RUNNER_LAYERS_H
#define RUNNER_LAYERS_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/str.h"

#define LAYERS_MAX_DELTAS 8 /* on top of a base; the next one becomes a base itself */

/* A device 0,0, which anybody may make: what is below it is gone. */
static inline bool
layers_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

static inline int64_t
layers_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

/* A time before 1970 has positive nanoseconds, too. */
struct timespec layers_timespec(int64_t ns);

/*
 * Say in the folder fd that path is gone. Where something has taken the place of path or
 * of a folder it was in, there is nothing to say: what is below is hidden then.
 */
MUST_CHECK int layers_add_whiteout(int fd, const char *path, struct error *err);

struct layers_copy {
	const struct strlist *layers; /* the top one first */
	int to_fd;                 /* a folder; what is in the way is replaced, and what
				      only layers say is gone stays */
	int64_t shift_ns;          /* added to all modification times */
	int64_t not_before_ns;     /* then: no file older; INT64_MIN: as they are */
	bool folder_times;         /* folders get those of the layers, too */
	const atomic_bool *cancel; /* may be NULL; set by others: ERR_CANCELED */
	size_t files;              /* out: files and links there were */
};

/* Copy what the layers show together. */
MUST_CHECK int layers_copy(struct layers_copy *c, struct error *err);

/* The same, as they are, into the folder `to`. */
MUST_CHECK int layers_copy_plain(const struct strlist *layers, const char *to,
    const atomic_bool *cancel, struct error *err);

/* Files, links, folders and whiteouts by their names: how a layer is made. */
struct layers_pick {
	int from_fd;
	const struct strlist *paths; /* relative, sorted; a folder is itself alone */
	int to_fd;                   /* an empty folder */
	int modes_fd; /* has the folders the paths lie in; their modes are taken */
	int64_t after_ns, shift_ns; /* times after the one: the other is added to them */
	int64_t not_before_ns;      /* of files, then; INT64_MIN: as they are */
	int link_fd; /* files that are here, too, are linked; -1: all are copied */
	const atomic_bool *cancel;
	size_t files;                 /* out: files and links */
	uint64_t bytes;               /* out: of the files */
	uint64_t disk_bytes;          /* out: what they take, about */
	bool has_whiteouts;           /* out */
	int64_t oldest_ns, newest_ns; /* out: of files and links in to_fd */
};

/*
 * Hard links among the paths stay such. What is neither of the four, or gone by now, is
 * left out. All folders get times that fit those of the files in them: they are changed
 * as theirs are.
 */
MUST_CHECK int layers_pick(struct layers_pick *p, struct error *err);

#endif
