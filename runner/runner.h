/*
 * What all builds of a process share: where things lie, how jobs are run. Filled once by
 * its owner, outlives its builds, read-only meanwhile. Loop thread.
 */
#ifndef RUNNER_RUNNER_H
#define RUNNER_RUNNER_H

#include "executors/executor.h"
#include "runner/cgroups.h"
#include "runner/workspace.h"

struct artifacts_exports; /* runner/artifacts_export.h */
struct cache_remote;      /* runner/cache_remote.h */
struct launcher;          /* runner/launcher.h */
struct runner_settings;   /* runner/settings.h */
struct uv_loop_s;

struct runner {
	struct uv_loop_s *loop;
	struct executor_settings executor_settings;
	struct executors *executors;
	struct cgroup_places cgroups; /* by runner_choose_executor(), too */
	struct launcher *launcher;    /* of the supervisors; NULL: none is kept ready */
	const struct workspaces *workspaces;
	const struct snapshot *snapshot;   /* NULL in place */
	const char *logs_dir;              /* traces stay here as ID.log */
	const char *artifacts_dir;         /* the store of runner/artifacts.h */
	const char *artifact_layers_dir;   /* of runner/artifact_layers.h; NULL: none */
	struct artifacts_exports *exports; /* makes archives of layers; or NULL, when
					      artifacts are a server's */
	const char *cache_dir;             /* the store of runner/cache.h */
	const struct cache_remote *cache_remote; /* of several machines; NULL: none */
	const char *name, *version; /* CI_RUNNER_DESCRIPTION, CI_RUNNER_VERSION */
	const char *short_token;    /* CI_RUNNER_SHORT_TOKEN; NULL: none */
	bool tied;                  /* jobs end when this process does */
	bool keep_failed;           /* but those that failed; needs tied */
};

/* What settings say of how jobs are run, which outlive it; nothing of images_dir. */
void runner_set(struct runner *runner, const struct runner_settings *settings);

/* Their store of caches, if they have one, for so many jobs at once. */
MUST_CHECK int runner_add_cache(struct runner *runner,
    const struct runner_settings *settings, int64_t jobs, struct error *err);

/* Fill in executors by runner->executor_settings; name as of executors_new(). */
MUST_CHECK int runner_choose_executor(
    struct runner *runner, const char *name, struct error *err);
void runner_close_executors(struct runner *runner); /* none is fine */

/* What users should hear once of how jobs are run; NULL: nothing. */
const char *runner_notice(const struct runner *runner);

#endif
