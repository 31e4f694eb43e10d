/* Where a job wants its files. */
#include "runner/clone_path.h"

#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "runner/environment.h"

/* The job's variables as they are, and those of the runner's that GitLab's manual names.
 */
static char *
expand(const struct job_payload *job, const char *builds_dir, const char *text)
{
	cleanup_strlist struct strlist env = STRLIST_INIT;

	strlist_add_take(&env, xasprintf("CI_BUILDS_DIR=%s", builds_dir));
	strlist_add(&env, "CI_CONCURRENT_ID=0");
	strlist_add(&env, "CI_CONCURRENT_PROJECT_ID=0");
	for (size_t i = 0; i < job->variable_count; i++)
		strlist_add_take(&env,
		    xasprintf("%s=%s", job->variables[i].key, job->variables[i].value));
	return environment_expand(&env, text);
}

int
clone_path_find(const struct job_payload *job, const char *builds_dir,
    struct arena *arena, const char **out, struct error *err)
{
	const char *wanted = job_payload_variable(job, "GIT_CLONE_PATH");
	cleanup_free char *path = NULL, *clean = NULL;
	size_t len = strlen(builds_dir);
	bool is_below;

	if (wanted == NULL || *wanted == '\0')
		return 0;
	path = expand(job, builds_dir, wanted);
	is_below = str_starts(path, builds_dir) && path[len] == '/';
	if (is_below)
		clean = path_clean(path + len + strspn(path + len, "/"));
	if (clean == NULL || *clean == '\0' || str_eq(clean, "."))
		return error_set(err, ERR_INVALID,
		    "GIT_CLONE_PATH is \"%.200s\", which is not below CI_BUILDS_DIR (%s)",
		    path, builds_dir);
	*out = arena_printf(arena, "%s/%s", builds_dir, clean);
	return 0;
}
