/*
 * The control group an engine has made around a container: it is only looked at. Whoever
 * made it limits it and removes it; what it said last is kept then. Single-threaded.
 */
#ifndef RUNNER_SUPERVISOR_CGROUP_WATCH_H
#define RUNNER_SUPERVISOR_CGROUP_WATCH_H

#include "runner/supervisor/cgroup.h"
#include "runner/supervisor/recorder.h"

struct cgroup_watch {
	bool is_open; /* there is a container, whether its group was found or not */
	struct cgroup group; /* never joined, killed or closed as the job's own is */
	int account, blocks; /* the first version counts processors and disks apart; -1 */
	struct sample last;  /* sums since it began, and the memory it has now */
};

#define CGROUP_WATCH_INIT                                                                \
	{                                                                                \
		.account = -1, .blocks = -1                                              \
	}

/*
 * Of a process in the container, 0: it cannot be seen from here, and nothing is found;
 * the container's id is part of the name of a group of its own.
 */
void cgroup_watch_open(struct cgroup_watch *w, pid_t pid, const char *id);
void cgroup_watch_close(struct cgroup_watch *w);

/* Look, and have w->last be right. */
void cgroup_watch_look(struct cgroup_watch *w);

/*
 * Count what its limits have done (w->group). The group goes as soon as pawl-init has
 * ended, which the kernel may have killed for want of memory like any other; after that
 * the kernel's log alone knows.
 */
void cgroup_watch_count(struct cgroup_watch *w);

#endif
