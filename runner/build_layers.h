/*
 * What a build lays over the source of its workspace: caches, and files of earlier jobs.
 * Owned by the build; what is mounted stays until it is cleared.
 */
#ifndef RUNNER_BUILD_LAYERS_H
#define RUNNER_BUILD_LAYERS_H

#include "runner/artifact_layers.h"
#include "runner/build_spec.h"
#include "runner/cache.h"
#include "runner/cache_remote.h"

struct runner;

struct build_layers {
	struct cache_mounts caches;
	struct artifact_mounts artifacts;
	struct buf log;   /* what was done, for the job's */
	bool is_complete; /* nothing is left to restore when the workspace stands */
};

#define BUILD_LAYERS_INIT                                                                \
	{                                                                                \
		.caches = { .lease = LAYER_LEASE_INIT }, .artifacts = {                  \
			.lease = LAYER_LEASE_INIT                                        \
		}                                                                        \
	}

/* Has the job caches that other machines may have newer? Asking for them takes time. */
bool build_layers_fetches(const struct runner *runner, const struct job_payload *job,
    const struct build_spec *spec);

/* Then get them, once the environment is known; lines of the log go to say at once. */
void build_layers_fetch(const struct runner *runner, const struct job_payload *job,
    const struct build_spec *spec, const atomic_bool *cancel,
    void (*say)(const char *line, void *data), void *data);

/* The use of the store of caches, for cache_save(). */
struct cache_remote_use build_layers_remote(
    const struct runner *runner, const atomic_bool *cancel);

/*
 * Once the workspace part of the spec and its environment are known: an overlay gets what
 * can be mounted; the rest stays to be restored.
 */
void build_layers_add(struct build_layers *l, const struct runner *runner,
    const struct job_payload *job, struct build_spec *spec);

/* Note in the job's folder what is held, for a later runner, and what that one reads. */
MUST_CHECK int build_layers_write(
    const struct build_layers *l, const char *job_dir, struct error *err);
void build_layers_take_over(struct build_layers *l, const char *job_dir);

/* The job is over. */
void build_layers_clear(struct build_layers *l);
/* It goes on without this runner. */
void build_layers_forget(struct build_layers *l);

#endif
