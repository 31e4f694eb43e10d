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
	size_t
	    mount_len; /* of the unified one's path, where there are no others; else 0 */
	char why[256]; /* there are none at all; "": there are some */
	int64_t pids;  /* that a job gets for want of another limit; 0: no limit holds */
};

/* root is /sys/fs/cgroup, own the text of /proc/self/cgroup. */
void cgroup_places_read(const char *root, const char *own, struct cgroup_places *out);

/* Those of this process. */
void cgroup_places_find(struct cgroup_places *out);
void cgroup_places_clear(struct cgroup_places *places);

/* What a job with these limits needs, as cgroup_open() takes it. */
void cgroup_places_pick(
    const struct cgroup_places *places, const struct limits *limits, struct strlist *out);

/*
 * So that no job takes the machine along, as a fork bomb would: where nobody says how
 * many processes it may have, and a limit holds, it has one all the same.
 */
void cgroup_places_limit_pids(const struct cgroup_places *places, struct limits *limits);

/* executor_job.group; malloced. */
char *cgroup_places_group(const struct cgroup_places *places, const char *marker);

/* A sentence about the limits that will not hold; NULL: all will. Malloced. */
char *cgroup_places_lacking(
    const struct cgroup_places *places, const struct limits *limits);

/*
 * Kept in a folder (that of the folder of all jobs; with pawl run also the one of all
 * repositories), so that whoever sweeps, from wherever, finds the groups. Nothing is said
 * when that fails: the kernel forgets groups with the machine.
 */
void cgroup_places_note(const struct cgroup_places *places, const char *dir);
void cgroup_places_sweep(const char *job_dir, const char *marker);

/* End and remove all groups in the noted places whose supervisors are gone. */
void cgroup_places_tidy(const char *dir);

#endif
