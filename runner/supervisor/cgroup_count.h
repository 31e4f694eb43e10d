/* What a control group has counted, of all that is or was in it. False: nobody counts. */
#ifndef RUNNER_SUPERVISOR_CGROUP_COUNT_H
#define RUNNER_SUPERVISOR_CGROUP_COUNT_H

#include "runner/supervisor/cgroup.h"

/* Now; without what is kept of files alone: that is given back when somebody wants it. */
bool cgroup_count_memory(const struct cgroup *g, int64_t *bytes);
bool cgroup_count_io(const struct cgroup *g, int64_t *read_bytes, int64_t *written_bytes);
bool cgroup_count_cpu(const struct cgroup *g, int64_t *us);

#endif
