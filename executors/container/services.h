/*
 * The services of a job (`services:`): containers beside it, known to it by their names.
 * Source: runner-protocol.md section 3, docs.gitlab.com/ci/services.
 */
#ifndef EXECUTORS_CONTAINER_SERVICES_H
#define EXECUTORS_CONTAINER_SERVICES_H

#include "executors/executor.h"

/*
 * Add them to the cage, of a job in whatever; job->hosts_file and resolver_file then say
 * where they are. Nothing when the job has none. Fetches their images.
 */
MUST_CHECK int services_prepare(struct executor_machine *machine,
    struct executor_job *job, struct cage *out, struct error *err);

/* The two host names an image has by itself; "a__b" and "a-b" of "a/b:1". malloced. */
void services_host_names(const char *image, char **first, char **second);

#endif
