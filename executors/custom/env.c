/* The environment of a driver's programs. */
#include "base/map.h"
#include "base/path.h"
#include "executors/custom/driver.h"

#define PREFIX "CUSTOM_ENV_"

char *
driver_replace_place(const struct custom *c, const char *text)
{
	struct buf out = BUF_INIT;
	const char *found;

	while (c->place != NULL && (found = strstr(text, CUSTOM_NOWHERE)) != NULL) {
		buf_add(&out, text, (size_t)(found - text));
		buf_add_str(&out, c->place);
		text = found + strlen(CUSTOM_NOWHERE);
	}
	buf_add_str(&out, text);
	return buf_take(&out);
}

static void
set_entry(struct map *vars, const char *entry)
{
	const char *equals = strchr(entry, '=');
	cleanup_free char *key = NULL;

	if (equals == NULL || equals == entry)
		return;
	key = xstrndup(entry, (size_t)(equals - entry));
	free(map_get(vars, key));
	map_set(vars, key, xstrdup(entry));
}

static void
set_pair(struct map *vars, const char *prefix, const char *key, const char *value)
{
	cleanup_free char *entry = xasprintf("%s%s=%s", prefix, key, value);

	set_entry(vars, entry);
}

/* Those of type file come as what is in them: the driver cannot know where they will lie.
 */
static void
set_job_variables(const struct custom *c, struct map *vars)
{
	for (size_t i = 0; i < c->env.count; i++) {
		cleanup_free char *placed = driver_replace_place(c, c->env.items[i]);
		cleanup_free char *entry = xasprintf(PREFIX "%s", placed);

		set_entry(vars, entry);
	}
	for (size_t i = 0; i < c->orders.files.count; i++) {
		cleanup_free char *entry =
		    xasprintf(PREFIX "%s", c->orders.files.items[i]);

		set_entry(vars, entry);
	}
	set_pair(vars, PREFIX, "CI_JOB_SERVICES",
	    c->orders.services != NULL ? c->orders.services : "");
	if (c->orders.cache_dir != NULL)
		set_pair(vars, PREFIX, "CI_CACHE_DIR", c->orders.cache_dir);
}

static void
set_own(const struct custom *c, struct map *vars)
{
	cleanup_free char *response = path_join(c->dir, "response.json");
	cleanup_free char *code = path_join(c->dir, "exit_code");
	cleanup_free char *failure = xasprintf("%d", BUILD_FAILURE);
	cleanup_free char *fault = xasprintf("%d", SYSTEM_FAILURE);

	set_pair(vars, "", "TMPDIR", c->orders.temp_dir);
	set_pair(vars, "", "JOB_RESPONSE_FILE", response);
	set_pair(vars, "", "BUILD_EXIT_CODE_FILE", code);
	set_pair(vars, "", "BUILD_FAILURE_EXIT_CODE", failure);
	set_pair(vars, "", "SYSTEM_FAILURE_EXIT_CODE", fault);
}

char **
driver_environment(const struct custom *c)
{
	cleanup_map struct map vars = MAP_INIT;
	size_t count = 0;
	char **env;

	for (size_t i = 0; i < c->orders.env.count; i++)
		set_entry(&vars, c->orders.env.items[i]);
	for (size_t i = 0; i < c->job_env.count; i++)
		set_entry(&vars, c->job_env.items[i]);
	set_job_variables(c, &vars);
	set_own(c, &vars);
	env = xcalloc(vars.count + 1, sizeof(*env));
	map_for_each(e, &vars)
		env[count++] = e->value;
	return env;
}
