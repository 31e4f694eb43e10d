/* Texts to plans and back. The provider serves what the test says there is. */
#include "tests/unit/plan_text.h"

#include <check.h>

#include "tests/unit/node_text.h"

static void
split(const char *text, const char *separator, struct strlist *out)
{
	size_t len = strlen(separator);

	while (text != NULL && *text != '\0') {
		const char *end = strstr(text, separator);

		if (end == NULL) {
			strlist_add(out, text);
			return;
		}
		strlist_add_take(out, xstrndup(text, (size_t)(end - text)));
		text = end + len;
	}
}

/* ---- what the compiler asks ------------------------------------------------------- */

struct world {
	struct strlist files, changed;
	bool diff_is_known;
};

static int
serve_nothing(void *data, const char *project, const char *ref, const char *path,
    size_t max, struct buf *out, struct error *err)
{
	(void)data;
	(void)project;
	(void)ref;
	(void)max;
	(void)out;
	return error_set(err, ERR_MISSING, "%s does not exist", path);
}

static int
serve_files(void *data, const char *project, const char *ref, const struct strlist **out,
    struct error *err)
{
	struct world *world = data;

	(void)ref;
	if (project != NULL)
		return error_set(err, ERR_ENVIRONMENT, "project %s is not here", project);
	*out = &world->files;
	return 0;
}

/* compare_to may be main, or is no ref. */
static int
serve_changed(void *data, const char *compare_to, bool *known, const struct strlist **out,
    struct error *err)
{
	struct world *world = data;

	if (compare_to != NULL && strcmp(compare_to, "main") != 0)
		return error_set(err, ERR_MISSING, "no ref %s", compare_to);
	*known = world->diff_is_known || compare_to != NULL;
	*out = &world->changed;
	return 0;
}

/* ---- there ------------------------------------------------------------------------ */

static void
set_var(struct vars *vars, const char *pair)
{
	static const struct {
		const char *prefix;
		enum var_level level;
		bool masked;
	} prefixes[] = {
		{ "predefined:", VAR_PREDEFINED, false },
		{ "project:", VAR_PROJECT, false },
		{ "masked:", VAR_PROJECT, true },
	};
	struct var var = { .level = VAR_PIPELINE };
	cleanup_free char *name = NULL;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(pair, prefixes[i].prefix)) {
			pair += strlen(prefixes[i].prefix);
			var.level = prefixes[i].level;
			var.masked = prefixes[i].masked;
			break;
		}
	name = xstrndup(pair, strcspn(pair, "="));
	var.name = name;
	var.value = strchr(pair, '=') + 1;
	vars_set(vars, &var);
}

static void
set_vars(struct vars *vars, const struct plan_event_text *event, const char *ref)
{
	cleanup_strlist struct strlist pairs = STRLIST_INIT;

	vars_set_str(vars, VAR_PREDEFINED, "CI_COMMIT_REF_NAME", ref);
	vars_set_str(vars, VAR_PREDEFINED,
	    event->is_tag ? "CI_COMMIT_TAG" : "CI_COMMIT_BRANCH", ref);
	vars_set_str(vars, VAR_PREDEFINED, "CI_PROJECT_PATH", "group/project");
	split(event->vars, "; ", &pairs);
	for (size_t i = 0; i < pairs.count; i++)
		set_var(vars, pairs.items[i]);
}

/* An arena array. */
static size_t
make_scoped(struct arena *a, const char *text, struct var **out)
{
	cleanup_strlist struct strlist rows = STRLIST_INIT;
	size_t count = 0;

	split(text, "; ", &rows);
	*out = arena_calloc(a, rows.count, sizeof(**out));
	for (size_t i = 0; i < rows.count; i++) {
		const char *row = rows.items[i], *name = strchr(row, ':') + 1;
		const char *value = strchr(name, '=') + 1;

		(*out)[count++] = (struct var){
			.environment_scope =
			    arena_strndup(a, row, (size_t)(name - row) - 1),
			.name = arena_strndup(a, name, (size_t)(value - name) - 1),
			.value = arena_strdup(a, value),
			.level = VAR_PROJECT,
		};
	}
	return count;
}

static int
compile(const char *yaml, const struct plan_event_text *event, struct arena *a,
    struct diags *diags, struct world *world, struct plan **out)
{
	struct provider provider = { world, serve_nothing, serve_files, serve_changed };
	struct plan_options options = { .provider = &provider };
	struct node **documents = NULL;
	struct config *config = NULL;
	struct var *scoped;
	struct vars vars;
	size_t count;
	int rc;

	rc = yaml_parse(yaml, strlen(yaml), "ci.yml", a, diags, &documents, &count);
	if (rc == 0)
		rc = config_build(documents[0], a, false, diags, &config);
	if (rc < 0)
		return rc;
	options.event.ref = event->ref == NULL ? "main" : event->ref;
	options.event.is_tag = event->is_tag;
	options.event.source = event->source == NULL ? "push" : event->source;
	vars_init(&vars, a, NULL);
	set_vars(&vars, event, options.event.ref);
	options.vars = &vars;
	options.scoped_count = make_scoped(a, event->scoped, &scoped);
	options.scoped = scoped;
	rc = plan_compile(config, &options, a, diags, out);
	vars_clear(&vars);
	return rc;
}

struct plan_made
plan_make(const char *yaml, const struct plan_event_text *event)
{
	static const struct plan_event_text push = { .ref = NULL };
	struct plan_made made = { .arena = arena_new() };
	struct world world = { STRLIST_INIT, STRLIST_INIT, false };
	struct diags diags;

	if (event == NULL)
		event = &push;
	split(event->files, " ", &world.files);
	split(event->changed, " ", &world.changed);
	world.diff_is_known = event->changed != NULL;
	diags_init(&diags, made.arena);
	if (compile(yaml, event, made.arena, &diags, &world, &made.plan) < 0)
		made.plan = NULL;
	made.findings = diags_text(&diags);
	strlist_clear(&world.files);
	strlist_clear(&world.changed);
	return made;
}

void
plan_made_clear(struct plan_made *made)
{
	if (made->plan != NULL)
		plan_free(made->plan);
	else
		arena_free(made->arena);
	free(made->findings);
}

struct plan *
plan_make_valid(const char *yaml, const struct plan_event_text *event)
{
	struct plan_made made = plan_make(yaml, event);

	ck_assert_msg(made.plan != NULL, "%s\n%s", made.findings, yaml);
	free(made.findings);
	return made.plan;
}

/* ---- and back --------------------------------------------------------------------- */

static void
add_allow_failure(struct buf *out, const struct allow_failure *allow)
{
	if (allow->exit_codes.count == 0) {
		buf_add_str(out, allow->allowed ? " allow" : "");
		return;
	}
	for (size_t i = 0; i < allow->exit_codes.count; i++)
		buf_printf(
		    out, "%s%d", i == 0 ? " allow(" : " ", allow->exit_codes.items[i]);
	buf_add_char(out, ')');
}

static void
add_job(struct buf *out, const struct plan *plan, const struct plan_job *job)
{
	if (!job->created) {
		buf_printf(out, "-%s %s", job->name, why_code_name(job->why.code));
		return;
	}
	buf_printf(out, "%s %s", job->name, job_when_name(job->when));
	add_allow_failure(out, &job->allow_failure);
	if (job->start_in_s > 0)
		buf_printf(out, " in %" PRId64, job->start_in_s);
	if (!job->has_needs)
		return;
	buf_add_str(out, " needs(");
	for (size_t i = 0; i < job->need_count; i++)
		buf_printf(
		    out, "%s%s", i == 0 ? "" : " ", plan->jobs[job->needs[i].job].name);
	buf_add_char(out, ')');
}

char *
plan_text(const struct plan *plan)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < plan->job_count; i++) {
		buf_add_str(&out, i == 0 ? "" : "; ");
		add_job(&out, plan, &plan->jobs[i]);
	}
	return buf_take(&out);
}
