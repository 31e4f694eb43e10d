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

/* What follows is the same whoever makes the containers. */
struct image_config; /* executors/container/image_manifest.h */

/* How long all of them are waited for, and whether they are heard. */
MUST_CHECK int services_begin(
    const struct executor_job *job, struct cage *out, struct error *err);

/* What runs in one, with which variables, and how it is seen to be ready. */
MUST_CHECK int services_fill(const struct image_config *image,
    const struct job_image *wanted, struct arena *arena, struct cage_service *service,
    struct error *err);

/* Appends the names a service is known by; alias may be NULL. */
void services_add_names(const char *image, const char *alias, struct strlist *out);

/* The two host names an image has by itself; "a__b" and "a-b" of "a/b:1". malloced. */
void services_host_names(const char *image, char **first, char **second);

#endif
