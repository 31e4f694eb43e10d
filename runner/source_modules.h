/*
 * Submodules of a commit, as one more layer: their files, and their .git below that of
 * the project, as `git submodule update` makes them. It is made once for the commits of
 * submodules that it is made of, so most commits of the project share it. git itself
 * makes them, in a repository kept for it (sources/<project>/modules-git/…), which has
 * all that was fetched and lends its objects. Blocks; any thread.
 */
#ifndef RUNNER_SOURCE_MODULES_H
#define RUNNER_SOURCE_MODULES_H

#include "base/buf.h"
#include "runner/git_env.h"
#include "runner/snapshot.h"
#include "runner/source_settings.h"

struct source_modules {
	const char *base;          /* sources/<project> */
	const char *repo;          /* the project's bare repository */
	const char *sha, *url;     /* of the project, the latter without a secret */
	int64_t job;               /* its id */
	const struct git_env *git; /* credentials, filters */
	bool lfs;                  /* what git has writes large files */
	const struct source_settings *settings;
	const struct snapshot *snapshot; /* of the commit */
	const char *dir;                 /* its set's */
};

/*
 * out gets the set's folder, for snapshot_add_set(), malloced; NULL when there is no
 * submodule. What was done is appended to log.
 */
MUST_CHECK int source_modules_get(
    const struct source_modules *m, char **out, struct buf *log, struct error *err);

#define SOURCE_MODULE_PLACES "modules-git"

/*
 * Remove the repositories, and what was fetched into them, that lend nothing to any set
 * of a project (base as above) any more. Sets that do not say whose objects they have
 * keep all of them.
 */
void source_modules_sweep(const char *base);

#endif
