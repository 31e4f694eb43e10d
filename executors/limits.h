/*
 * What a job may take of its machine: by the runner's settings, and by variables of the
 * job, which may lower a limit but never raise it.
 */
#ifndef EXECUTORS_LIMITS_H
#define EXECUTORS_LIMITS_H

#include "base/error.h"

struct job_payload; /* protocol/job.h */

struct limit {
	int64_t value;    /* 0: none */
	const char *from; /* who says so, for people; not owned */
};

struct limits {
	struct limit memory; /* bytes */
	struct limit cpus;   /* thousandths of a processor */
	struct limit pids;   /* processes and threads */
};

/* As Docker has them: "512m", "2g", "1.5GiB"; and "500Mi". */
bool limits_parse_bytes(const char *text, int64_t *out);
/* "1.5"; or "500m", as Kubernetes has it */
bool limits_parse_cpus(const char *text, int64_t *out);
bool limits_parse_pids(const char *text, int64_t *out);

/*
 * Those of one job. PAWL_MEMORY_LIMIT, PAWL_CPU_LIMIT and PAWL_PIDS_LIMIT are heard;
 * without them KUBERNETES_MEMORY_LIMIT and KUBERNETES_CPU_LIMIT, as GitLab documents them
 * for its Kubernetes executor. ERR_INVALID: one of pawl's own is no such value.
 */
MUST_CHECK int limits_of_job(const struct job_payload *job, const struct limits *runner,
    struct limits *out, struct error *err);

#endif
