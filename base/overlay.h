/*
 * Mounting an overlay: read-only layers under one that takes the writes. The caller is
 * in a mount namespace where it may mount (root, or the maker of a user namespace).
 * Links libc only.
 */
#ifndef BASE_OVERLAY_H
#define BASE_OVERLAY_H

#include "base/error.h"
#include "base/str.h"

struct overlay {
	const char *source;           /* its name in mountinfo; NULL: "overlay" */
	const struct strlist *lowers; /* at least one; the top one first */
	const char *upper,
	    *work;   /* empty folders on one file system, of the mapped ids */
	bool userns; /* mounted in a user namespace, not by root */
};

/*
 * Mount it on target, a folder. Devices in it open nothing. It is mounted "volatile":
 * what upper holds after a power cut is undefined, and unmounting syncs nothing. Paths
 * may hold any byte.
 */
MUST_CHECK int overlay_mount(
    const struct overlay *o, const char *target, struct error *err);

/* Mount the folder source on target as well. */
MUST_CHECK int overlay_bind(const char *source, const char *target, struct error *err);

/* An empty file system in memory, for this user alone; source as above. */
MUST_CHECK int overlay_tmpfs(const char *source, const char *target, struct error *err);

/* Take the topmost mount off target; who still uses it keeps it until he is done. */
MUST_CHECK int overlay_unmount(const char *target, struct error *err);

/*
 * Enter a mount namespace of our own, in which mounts concern nobody else; with userns
 * also a user namespace, in which this user keeps its ids. Single-threaded callers only.
 */
MUST_CHECK int overlay_unshare(bool userns, struct error *err);

#endif
