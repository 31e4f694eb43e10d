/*
 * The control group of a job: one folder in each hierarchy that is of use, made by the
 * supervisor in folders the runner has found (runner/cgroups.h). What starts a process of
 * the job puts it in there; all it starts later is in there by itself. Single-threaded.
 * Source: the kernel's admin-guide/cgroup-v2.rst and cgroup-v1/.
 */
#ifndef RUNNER_SUPERVISOR_CGROUP_H
#define RUNNER_SUPERVISOR_CGROUP_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "executors/limits.h"

/* Folders are told as "KIND=PATH". Version 2 is one hierarchy for all. */
enum cgroup_kind {
	CGROUP_UNIFIED,
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_CPU,
	CGROUP_KIND_COUNT
};

const char *cgroup_kind_name(enum cgroup_kind kind);

struct cgroup {
	char name[64];
	struct cgroup_dir {
		int parent, dir; /* -1: not used */
	} dirs[CGROUP_KIND_COUNT];
	int joins[CGROUP_KIND_COUNT]; /* what a child writes "0" to; -1: not used */
	int leaf; /* below the unified one, for processes; -1: they are in that itself */
	bool can_clone; /* the kernel starts processes in the unified one */
	bool exists;
	int64_t oom_kills, pids_refused; /* as cgroup_look() last saw them */
	int64_t oom_told;                /* of them, those the job's log has heard of */
	bool crowding_told;
};

#define CGROUP_INIT                                                                      \
	{                                                                                \
		.name = ""                                                               \
	}

/*
 * Make it, with limits; marker gives it its name. A limit that cannot be set is a line in
 * warnings. None of parents can be used: there is no group, and cgroup_exists() says so.
 */
void cgroup_open(struct cgroup *g, const struct strlist *parents, const char *marker,
    const struct limits *limits, struct buf *warnings);

/*
 * Before anything is in it: processes go into a group below it, of version 2, so that
 * somebody else may make one beside that. It holds them to its limits all the same.
 */
void cgroup_use_leaf(struct cgroup *g);

/* What it is called, for who has to know before it is made. */
void cgroup_name(const char *marker, char *out, size_t size);

/*
 * vfork(), and the child is in the unified group already. -1: do vfork() and
 * cgroup_join(g, true). The caller's frame is shared: the child must call a function that
 * neither returns nor is inlined.
 */
#if defined(__x86_64__) || defined(__aarch64__)
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>

static inline __attribute__((always_inline)) pid_t
cgroup_vfork(const struct cgroup *g)
{
	struct clone_args how = { .flags = CLONE_INTO_CGROUP | CLONE_VM | CLONE_VFORK,
		.exit_signal = SIGCHLD };

	if (g == NULL || !g->can_clone)
		return -1;
	how.cgroup = (uint64_t)(g->leaf >= 0 ? g->leaf : g->dirs[CGROUP_UNIFIED].dir);
	{
#ifdef __x86_64__
		long rc;

		__asm__ volatile("syscall"
				 : "=a"(rc)
				 : "0"((long)SYS_clone3), "D"(&how), "S"(sizeof(how))
				 : "rcx", "r11", "memory");
#else
		register long number __asm__("x8") = SYS_clone3;
		register long rc __asm__("x0") = (long)&how;
		register long size __asm__("x1") = sizeof(how);

		__asm__ volatile("svc 0" : "+r"(rc) : "r"(number), "r"(size) : "memory");
#endif
		return rc < 0 ? -1 : (pid_t)rc;
	}
}
#else
static inline pid_t
cgroup_vfork(const struct cgroup *g UNUSED)
{
	return -1;
}
#endif

/* In a child, before exec: system calls only. all: not only the first version's. False,
 * with errno: it is not (wholly) in the group. g may be NULL. */
bool cgroup_join(const struct cgroup *g, bool all);

/* Count what its limits have done. */
void cgroup_look(struct cgroup *g);

/*
 * The names of processes that were killed for want of memory, "cc1, ld", from the
 * kernel's log; "" where that cannot be read.
 */
void cgroup_oom_victims(const struct cgroup *g, char *out, size_t size);

void cgroup_kill(const struct cgroup *g); /* SIGKILL for all in it, once */

/* End what is in it and remove it; what resists for long stays. Harmless when there is
 * none. */
void cgroup_close(struct cgroup *g);

/* The same for the group of a supervisor that is gone. */
void cgroup_sweep(const struct strlist *parents, const char *marker);

/*
 * The same for all groups in this place ("KIND=PATH") whose supervisors are gone, whoever
 * had them made. A living supervisor holds a lock on its group. Nothing happens where
 * this user may not remove groups.
 */
void cgroup_tidy(const char *place);

#endif
