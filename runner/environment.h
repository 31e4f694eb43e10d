/*
 * The environment of a job: what it keeps of the runner's own, then its variables with
 * the runner's additions and one pass of expansion, as GitLab's runner does it.
 * Source: runner-protocol.md sections 3.1 and 8.2.
 */
#ifndef RUNNER_ENVIRONMENT_H
#define RUNNER_ENVIRONMENT_H

#include "base/buf.h"
#include "base/str.h"
#include "executors/executor.h"
#include "protocol/job.h"
#include "runner/supervisor/spec.h"

struct environment_facts {
	const char *project_dir, *builds_dir;
	int64_t slot; /* CI_CONCURRENT_ID */
	const char *runner_name, *runner_version;
	const char *shell;       /* that runs the scripts */
	const char *short_token; /* of a server's runner: names it; NULL: a local run */
	enum executor_env env;
	const struct strlist *own_env; /* the cage's; NULL: it has none */
	bool is_shared;                /* shell-like: others' jobs see the same machine */
};

/*
 * Fill spec->env, spec->files and spec->masks. Values are copied into env; files and
 * masks point into the job and the arena, which must outlive the spec.
 */
void environment_build(const struct job_payload *job,
    const struct environment_facts *facts, struct arena *arena, struct spec *spec);

/*
 * A git that a job starts gets at the server as its checkout did: addresses there,
 * without credentials, stand for those with them. This is the file of settings it is
 * given, by a variable of that name: settings in variables git passes on to no git it
 * starts for a submodule. False: there are no credentials.
 */
#define ENVIRONMENT_GIT_FILE "GIT_CONFIG_SYSTEM"
bool environment_git_settings(const struct job_payload *job, struct buf *out);

/* The same by the job's own variables alone, where none of the runner's is known yet. */
char *environment_expand_job(const struct job_payload *job, const char *text);

/*
 * text with $X and ${X} replaced from an environment like spec->env ("K=V", later
 * duplicates win); unknown ones are empty, $$ is $. malloced.
 */
char *environment_expand(const struct strlist *env, const char *text);

#endif
