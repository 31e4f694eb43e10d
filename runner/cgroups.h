/*
 * Where control groups of jobs can be made: in folders of the kernel's that this user may
 * write. Of the first version's hierarchies (also beside the second, "hybrid") the one
 * this process is in; of the second version the one above it, because a group that holds
 * processes cannot give its controllers on; and its root when we are in that.
 */
#ifndef RUNNER_CGROUPS_H
#define RUNNER_CGROUPS_H

#include "executors/limits.h"
#include "runner/supervisor/cgroup.h"

struct cgroup_places {
	char *of[CGROUP_KIND_COUNT]; /* NULL: cannot be had */
	char why[256];               /* there are none at all; "": there are some */
};

/* root is /sys/fs/cgroup, own the text of /proc/self/cgroup. */
void cgroup_places_read(const char *root, const char *own, struct cgroup_places *out);

/* Those of this process. */
void cgroup_places_find(struct cgroup_places *out);
void cgroup_places_clear(struct cgroup_places *places);

/* What a job with these limits needs, as cgroup_open() takes it. */
void cgroup_places_pick(
    const struct cgroup_places *places, const struct limits *limits, struct strlist *out);

/* A sentence about the limits that will not hold; NULL: all will. Malloced. */
char *cgroup_places_lacking(
    const struct cgroup_places *places, const struct limits *limits);

/*
 * Kept beside the folder of all jobs, so that whoever sweeps these, from wherever, finds
 * the groups. Nothing is said when that fails: the kernel forgets groups with the
 * machine.
 */
void cgroup_places_note(const struct cgroup_places *places, const char *jobs_dir);
void cgroup_places_sweep(const char *job_dir, const char *marker);

#endif
