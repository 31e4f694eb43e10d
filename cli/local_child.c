/* Trigger jobs of a local run: a child pipeline from local files, or from an artifact. */
#include <stdio.h>

#include "base/str.h"
#include "base/visible.h"
#include "cli/local.h"
#include "cli/report.h"
#include "runner/artifacts.h"

#define MAX_DEPTH 2 /* GitLab's nesting of child pipelines */
#define CHILD_FILE_MAX ((size_t)5 * 1024 * 1024)

static void fail(struct local *local, struct local_job *own, const char *fmt, ...)
    PRINTF(3, 4);

static void
fail(struct local *local, struct local_job *own, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(own->detail, sizeof(own->detail), fmt, ap);
	va_end(ap);
	own->ended = true;
	local_send(local,
	    (struct core_event){ .type = CORE_DOWNSTREAM,
		.job = own->id,
		.reason = REASON_DOWNSTREAM_FAILURE });
}

/* The generated file of trigger:include:artifact, from the job that made it. */
static int
fetch_artifact(struct local *local, const struct core_job *job,
    const struct trigger_include *inc, const char **path, struct error *err)
{
	const struct local_pipeline *p = local_find_job(local, job->id)->pipeline;
	const struct artifacts_store store = { local->runner->artifacts_dir,
		local->runner->artifact_layers_dir };
	cleanup_buf struct buf text = BUF_INIT;

	for (size_t i = 0; i < p->plan->job_count; i++) {
		const struct core_job *maker = core_latest(local->core, p->id, i);

		if (maker == NULL || !str_eq(maker->plan->name, inc->job))
			continue;
		if (!status_is_completed(maker->status))
			break;
		if (artifacts_read_file(
			&store, maker->id, inc->artifact, CHILD_FILE_MAX, &text, err) < 0)
			return error_wrap(err, "artifact of job %s", inc->job);
		*path = arena_printf(local->project->arena,
		    ".pawl/generated/%" PRId64 "/%s", maker->id, inc->artifact);
		worktree_add_file(&local->project->worktree, *path, &text);
		return 0;
	}
	return error_set(err, ERR_MISSING,
	    "job %s, which makes %s, has not run; an earlier stage for it, or `needs` here, "
	    "makes sure",
	    inc->job, inc->artifact);
}

/* "; did you mean `x`?", in arena */
static const char *
near_file(struct local *local, const char *path)
{
	const struct provider *provider = &local->project->worktree.provider;
	const struct strlist *files = NULL;
	cleanup_free const char **names = NULL;
	const char *near;

	if (provider->files(provider->data, NULL, NULL, &files, NULL) < 0)
		return "";
	names = xcalloc(files->count + 1, sizeof(*names));
	for (size_t i = 0; i < files->count; i++)
		names[i] = files->items[i];
	near = str_nearest(path, names);
	return near == NULL
	    ? ""
	    : arena_printf(local->project->arena, "; did you mean `%s`?", near);
}

/* A file that is not there is the trigger job's mistake, not one in that file. */
static int
find_local(struct local *local, const struct core_job *job,
    const struct trigger_include *inc, const char **path, struct error *err)
{
	const struct provider *provider = &local->project->worktree.provider;
	cleanup_buf struct buf text = BUF_INIT;
	int rc;

	*path = vars_expand(&job->plan->vars, local->project->arena, inc->local);
	*path += strspn(*path, "/");
	rc =
	    provider->read(provider->data, NULL, NULL, *path, CHILD_FILE_MAX, &text, err);
	if (rc == ERR_MISSING)
		return error_set(err, ERR_MISSING, "local file `%s` does not exist%s",
		    *path, near_file(local, *path));
	return rc == ERR_LIMIT ? 0 : rc; /* what it holds is judged later */
}

static int
include_path(struct local *local, const struct core_job *job,
    const struct trigger_include *inc, const char **path, struct error *err)
{
	int rc;

	if (inc->local != NULL)
		rc = find_local(local, job, inc, path, err);
	else if (inc->artifact != NULL)
		rc = fetch_artifact(local, job, inc, path, err);
	else
		rc = error_set(err, ERR_ENVIRONMENT,
		    "a local run can include local files and artifacts; this child comes "
		    "from %s",
		    inc->project != NULL        ? "another project"
			: inc->remote != NULL   ? "a remote file"
			: inc->template != NULL ? "a template"
						: "a component");
	return rc < 0 ? error_wrap(err, "%s:%u", inc->at.file, inc->at.line) : 0;
}

/* Several files become one that includes them. */
static int
child_path(
    struct local *local, const struct core_job *job, const char **path, struct error *err)
{
	const struct trigger *trigger = &job->plan->config->trigger;
	cleanup_buf struct buf text = BUF_INIT;

	if (trigger->include_count == 1)
		return include_path(local, job, &trigger->includes[0], path, err);
	buf_add_str(&text, "include:\n");
	for (size_t i = 0; i < trigger->include_count; i++) {
		if (include_path(local, job, &trigger->includes[i], path, err) < 0)
			return err->code;
		buf_printf(&text, "  - local: '/%s'\n", *path);
	}
	*path = arena_printf(
	    local->project->arena, ".pawl/generated/child-%" PRId64 ".yml", job->id);
	worktree_add_file(&local->project->worktree, *path, &text);
	return 0;
}

/* What the child gets: the project's variables, and as pipeline variables what is
 * forwarded. */
static struct vars *
child_vars(struct local *local, const struct core_job *job, struct arena *arena)
{
	const struct trigger *trigger = &job->plan->config->trigger;
	const struct vars *from = &local->project->vars;
	const struct var **all;
	struct vars *vars = arena_alloc(arena, sizeof(*vars));
	size_t count = vars_all(from, arena, &all);

	vars_init(vars, arena, NULL);
	for (size_t i = 0; i < count; i++)
		if (all[i]->level != VAR_PIPELINE || trigger->forward_pipeline_variables)
			vars_set(vars, all[i]);
	vars_set_str(vars, VAR_PREDEFINED, "CI_PIPELINE_SOURCE", "parent_pipeline");
	if (!trigger->forward_yaml_variables)
		return vars;
	count = vars_all(&job->plan->vars, arena, &all);
	for (size_t i = 0; i < count; i++) {
		struct var v = *all[i];

		if (v.level < VAR_YAML || v.level > VAR_RULE)
			continue;
		v.level = VAR_PIPELINE;
		vars_set(vars, &v);
	}
	return vars;
}

static int
compile(
    struct local *local, const struct core_job *job, const char *path, struct plan **plan)
{
	const struct trigger *trigger = &job->plan->config->trigger;
	struct event event = local_find_job(local, job->id)->pipeline->event;
	struct arena *arena = arena_new();
	struct project_source source = { .path = path, .event = &event };
	struct diags diags;
	int rc;

	event.source = "parent_pipeline";
	source.vars = child_vars(local, job, arena);
	source.inputs = trigger->include_count == 1 ? trigger->includes[0].inputs : NULL;
	diags_init(&diags, arena);
	rc = project_compile_source(local->project, &source, &diags, plan);
	screen_flush(local->screen);
	report_diags(&diags);
	if (rc != EXIT_OK)
		arena_free(arena);
	return rc;
}

void
local_start_child(struct local *local, int64_t job_id)
{
	const struct core_job *job = core_job(local->core, job_id);
	struct local_job *own = local_find_job(local, job_id);
	const struct trigger *trigger = &job->plan->config->trigger;
	struct error err = ERROR_INIT;
	struct local_pipeline *p;
	struct plan *plan = NULL;
	const char *path = NULL;

	if (trigger->project != NULL)
		fail(local, own,
		    "project %s is on a server; a local run cannot trigger it",
		    trigger->project);
	else if (own->pipeline->depth >= MAX_DEPTH)
		fail(local, own, "child pipelines nest at most %d deep", MAX_DEPTH);
	else if (child_path(local, job, &path, &err) < 0)
		fail(local, own, "%s", err.msg);
	else if (compile(local, job, path, &plan) != EXIT_OK)
		fail(local, own, "%s:%u: %s is no valid pipeline",
		    trigger->includes[0].at.file, trigger->includes[0].at.line,
		    trigger->include_count == 1 ? path : "what is included");
	else if (!plan->created)
		fail(local, own, "%s gives no pipeline: %s", path, plan->why.text);
	if (plan == NULL || !plan->created) {
		plan_free(plan);
		return;
	}
	p = local_add_pipeline(local, plan, &own->pipeline->event);
	p->event.source = "parent_pipeline";
	p->event.config_path = path;
	p->depth = own->pipeline->depth + 1;
	p->parent_job = job_id;
	for (size_t i = 0; i < plan->job_count; i++)
		if (plan->jobs[i].created)
			screen_widen(local->screen,
			    visible_width(own->name) + 1 +
				visible_width(plan->jobs[i].name));
	local_send(local,
	    (struct core_event){
		.type = CORE_CREATE_PIPELINE, .plan = plan, .parent_job = job_id });
}
