/* What a user has said once for all runs. */
#include "cli/run_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/report.h"
#include "runner/cache_remote.h"

static const char *
usual_file(struct arena *arena)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config != NULL && *config == '/')
		return arena_printf(arena, "%s/pawl/run.yml", config);
	if (home != NULL && *home == '/')
		return arena_printf(arena, "%s/.config/pawl/run.yml", home);
	return NULL;
}

/* What is a server's runner's alone; NULL: there is nothing of that. */
static const char *
misplaced_key(const struct runner_settings *s)
{
	const struct layer_limits *l = &s->layers;
	const struct {
		const char *name;
		bool is_said;
	} keys[] = {
		{ "concurrent", s->concurrent != 0 },
		{ "custom", s->custom != NULL },
		{ "layers",
		    l->high_bytes != 0 || l->low_bytes != 0 || l->max_age_s != 0 },
		{ "log_format", s->log_format != NULL },
		{ "name", s->name != NULL },
		{ "servers", s->server_count > 0 },
		{ "state", s->state_dir != NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].is_said)
			return keys[i].name;
	return NULL;
}

int
run_settings_read(
    const struct args *args, struct arena *arena, struct runner_settings *out)
{
	const char *given = args_value(args, "config"), *misplaced;
	const char *file = given != NULL ? given : usual_file(arena);
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct diags diags;

	*out = (struct runner_settings){ .arena = arena };
	if (file == NULL || (given == NULL && access(file, F_OK) < 0))
		return EXIT_OK;
	if (buf_read_file(&text, file, SETTINGS_MAX_BYTES, &err) < 0) {
		(void)fprintf(stderr, "pawl: the settings cannot be read: %s\n", err.msg);
		return EXIT_INVALID;
	}
	diags_init(&diags, arena);
	settings_read(buf_str(&text), text.len, arena_strdup(arena, file), out, &diags);
	if (report_diags(&diags) != EXIT_OK)
		return EXIT_INVALID;
	misplaced = misplaced_key(out);
	if (misplaced != NULL) {
		(void)fprintf(stderr,
		    "pawl: %s: \"%s\" is a setting of `pawl runner`, which runs jobs for "
		    "a server; leave it out here\n",
		    file, misplaced);
		return EXIT_INVALID;
	}
	if (out->cache != NULL && out->cache->policy == CACHE_REMOTE_UNSAID)
		out->cache->policy = CACHE_REMOTE_PULL;
	return EXIT_OK;
}

void
run_settings_find_project(
    struct runner_settings *s, const struct vars *vars, int64_t *project_id)
{
	const struct var *id = vars_get(vars, "CI_PROJECT_ID");
	int64_t n;

	if (s->cache == NULL)
		return;
	if (id != NULL && id->level != VAR_PREDEFINED && str_to_int64(id->value, &n) &&
	    n > 0) {
		*project_id = n;
		return;
	}
	s->cache = NULL;
	(void)fputs("pawl: the store of caches is not used: which project this is there, "
		    "a variable should say, in .pawl/variables.yml or with "
		    "-v CI_PROJECT_ID=NUMBER\n",
	    stderr);
}
