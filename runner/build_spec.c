/* Making a spec from a payload. */
#include "runner/build_spec.h"

#include "base/str.h"
#include "runner/alternates.h"
#include "runner/build_layers.h"
#include "runner/cache_script.h"
#include "runner/clone_path.h"
#include "runner/duration.h"
#include "runner/environment.h"
#include "runner/fetch_script.h"
#include "runner/runner.h"
#include "runner/script.h"

#define GRACE_MS 10000 /* between SIGTERM and SIGKILL */
#define AFTER_SCRIPT_MS                                                                  \
	(5 * 60000) /* GitLab's default of RUNNER_AFTER_SCRIPT_TIMEOUT                   \
		     */

void
build_spec_init(struct build_spec *b, const struct job_payload *job)
{
	const char *mode = job_payload_variable(job, "PAWL_WORKSPACE");
	const char *strategy = job_payload_variable(job, "GIT_STRATEGY");

	*b = (struct build_spec){
		.spec = SPEC_INIT, .arena = arena_new(), .mode = WORKSPACE_AUTO
	};
	if (mode != NULL && !workspace_mode_parse(mode, &b->mode))
		b->mode = WORKSPACE_AUTO;
	if (strategy != NULL && (str_eq(strategy, "none") || str_eq(strategy, "empty")))
		b->mode = WORKSPACE_EMPTY;
}

void
build_spec_clear(struct build_spec *b)
{
	spec_clear(&b->spec);
	strlist_clear(&b->shown);
	clone_place_leave(&b->clone);
	arena_free(b->arena);
	*b = (struct build_spec){ .spec = SPEC_INIT };
}

static const char *const *
service_images(struct build_spec *b, const struct job_payload *job)
{
	const char **names =
	    arena_calloc(b->arena, job->service_count + 1, sizeof(*names));

	for (size_t i = 0; i < job->service_count; i++) {
		cleanup_free char *name =
		    environment_expand_job(job, job->services[i].name);

		names[i] = arena_strdup(b->arena, name);
	}
	return names;
}

/* Each of the layers may have brought a .git, its own or a submodule's. */
static void
list_shown(const struct snapshot *snapshot, struct strlist *out)
{
	const struct strlist *layers = snapshot_layers(snapshot);

	for (size_t i = 0; i < layers->count; i++)
		alternates_list(layers->items[i], out);
}

static const char *
parent_dir(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL || slash == path
	    ? "/"
	    : arena_strndup(arena, path, (size_t)(slash - path));
}

/* The end of the default path is the project's name; what is before it holds all. */
static const char *
builds_dir_of(struct arena *arena, const char *project_dir, const char *name)
{
	cleanup_free char *end = xasprintf("/%s", name);
	size_t len = strlen(project_dir);

	return str_ends(project_dir, end) && len > strlen(end)
	    ? arena_strndup(arena, project_dir, len - strlen(end))
	    : parent_dir(arena, project_dir);
}

/* On this machine, in no cage: the mount that makes the workspace goes there. */
static int
move_mount(struct build_spec *b, const struct job_payload *job, struct error *err)
{
	const char *path = NULL;

	if (clone_path_find(job, b->builds_dir, b->slot, b->arena, &path, err) < 0)
		return err->code;
	if (path == NULL)
		return 0;
	if (b->spec.mode == SPEC_PLAIN)
		return error_set(err, ERR_ENVIRONMENT,
		    "GIT_CLONE_PATH cannot be had: nothing can be mounted here");
	if (clone_place_make(&b->clone, b->builds_dir, path, err) < 0)
		return err->code;
	strlist_add(&b->spec.cage.locks, b->builds_dir);
	b->spec.project_dir = arena_strdup(b->arena, path);
	return 0;
}

/* GIT_CLONE_PATH, and what CI_BUILDS_DIR is. */
static int
choose_path(struct build_spec *b, const struct runner *runner,
    const struct job_payload *job, struct executor_job *what, struct error *err)
{
	const char *name = workspaces_project_name(runner->workspaces);

	if (workspaces_in_place(runner->workspaces)) {
		what->project_dir = b->spec.project_dir;
		return 0;
	}
	if (build_spec_is_elsewhere(b))
		return 0;
	if (!b->executor->is_shared) {
		b->builds_dir = EXECUTOR_BUILDS;
		return clone_path_find(
		    job, b->builds_dir, b->slot, b->arena, &what->project_dir, err);
	}
	b->builds_dir = builds_dir_of(b->arena, b->spec.project_dir, name);
	return move_mount(b, job, err);
}

int
build_spec_add_cage(struct build_spec *b, const struct runner *runner,
    const struct job_payload *job, struct executor_job *what, struct error *err)
{
	cleanup_free char *image =
	    environment_expand_job(job, job->image.name != NULL ? job->image.name : "");

	if (limits_of_job(job, &runner->executor_settings.limits, &b->spec.limits, err) <
	    0) {
		what->reason = REASON_RUNNER_CONFIGURATION_ERROR;
		return err->code;
	}
	what->limits = b->spec.limits; /* an engine has defaults of its own */
	cgroup_places_limit_pids(&runner->cgroups, &b->spec.limits);
	cgroup_places_pick(&runner->cgroups, &b->spec.limits, &b->spec.cgroups);
	what->payload = job;
	what->slot = b->slot;
	what->image = arena_strdup(b->arena, image);
	what->service_images = service_images(b, job);
	if (choose_path(b, runner, job, what, err) < 0) {
		what->reason = err->code == ERR_INVALID ? REASON_SCRIPT_FAILURE
							: REASON_RUNNER_SYSTEM_FAILURE;
		return err->code;
	}
	what->work_dir = b->spec.project_dir;
	what->project_name = workspaces_project_name(runner->workspaces);
	what->userns = b->spec.userns;
	what->arena = b->arena;
	what->shown = &b->shown;
	if (b->mode != WORKSPACE_EMPTY && runner->snapshot != NULL)
		list_shown(runner->snapshot, &b->shown);
	return executors_prepare(
	    runner->executors, b->executor, what, &b->spec.cage, err);
}

void
build_spec_choose_place(struct build_spec *b)
{
	enum executor_place place = b->executor->place;

	if (place == EXECUTOR_PLACE_ELSEWHERE ||
	    (place == EXECUTOR_PLACE_COPY && b->mode == WORKSPACE_EMPTY))
		b->mode = WORKSPACE_EMPTY_SEEN;
	else if (place == EXECUTOR_PLACE_COPY)
		b->mode = WORKSPACE_COPY_SEEN;
}

bool
build_spec_is_elsewhere(const struct build_spec *b)
{
	return b->executor != NULL && b->executor->place == EXECUTOR_PLACE_ELSEWHERE;
}

const char *
build_spec_files_dir(const struct build_spec *b)
{
	return b->spec.mode == SPEC_OVERLAY ? b->spec.upper
	    : b->spec.mode == SPEC_BIND     ? b->spec.source
					    : b->spec.project_dir;
}

const char *
build_spec_project_dir(const struct build_spec *b)
{
	return b->spec.cage.project_dir != NULL ? b->spec.cage.project_dir
						: b->spec.project_dir;
}

void
build_spec_reset_workspace(struct build_spec *b)
{
	spec_clear(&b->spec);
	strlist_clear(&b->shown);
	b->finished = false;
}

static bool
is_true(const struct job_payload *job, const char *key)
{
	const char *value = job_payload_variable(job, key);

	return value != NULL && (str_eq(value, "true") || str_eq(value, "1"));
}

static struct spec_step *
add_step(struct build_spec *b, const struct job_payload *job, const char *name,
    const char *const *items, size_t count)
{
	struct spec_step *step = spec_add_step(&b->spec, name);
	struct buf text = BUF_INIT;

	script_build(items, count, is_true(job, "CI_DEBUG_TRACE"), &text, &step->items);
	step->script.len = text.len;
	step->script.data = arena_strndup(b->arena, buf_str(&text), text.len);
	buf_clear(&text);
	b->steps[b->spec.step_count - 1] = (struct build_spec_step){ items, count };
	return step;
}

static void
set_headline(struct spec_step *step, const char *text)
{
	step->headline = (struct bytes){ text, strlen(text) };
}

static int64_t
limit_ms(const struct job_payload *job, const char *key, int64_t otherwise)
{
	const char *value = job_payload_variable(job, key);
	int64_t ms;

	return value != NULL && duration_parse_go(value, &ms) && ms > 0 ? ms : otherwise;
}

/* What the runner does itself where its files are. */
static void
add_fetch(struct build_spec *b, const struct job_payload *job)
{
	struct spec_step *step = spec_add_step(&b->spec, "get_sources");
	cleanup_buf struct buf text = BUF_INIT;

	fetch_script_build(job, &text);
	step->script.len = text.len;
	step->script.data = arena_strndup(b->arena, buf_str(&text), text.len);
	set_headline(
	    step, "\033[0K\033[36;1mGetting source from Git repository\033[0;m\n");
}

/* Caches of where this machine's files are not: by scripts, too. */
static void
add_cache_step(struct build_spec *b, const struct runner *runner,
    const struct job_payload *job, bool restores)
{
	struct cache_remote_use use = build_layers_remote(runner, NULL);
	const char *dir = build_spec_project_dir(b);
	cleanup_buf struct buf text = BUF_INIT;
	struct spec_step *step;

	if (restores)
		cache_script_restore(&use, job, &b->spec.env, dir, &text);
	else
		cache_script_save(&use, job, &b->spec.env, dir, &text);
	if (text.len == 0)
		return;
	step = spec_add_step(&b->spec, restores ? "restore_cache" : "archive_cache");
	step->script.len = text.len;
	step->script.data = arena_strndup(b->arena, text.data, text.len);
	step->ignore_failure = true;
	step->always = !restores;
	set_headline(step,
	    restores ? "\033[0K\033[36;1mRestoring cache\033[0;m\n"
		     : "\033[0K\033[36;1mSaving cache\033[0;m\n");
}

static void
add_hooks(struct build_spec *b, const struct job_payload *job, bool before)
{
	for (size_t i = 0; i < job->hook_count; i++)
		if (str_eq(job->hooks[i].name, "pre_get_sources_script") == before)
			add_step(b, job, job->hooks[i].name, job->hooks[i].script,
			    job->hooks[i].script_count);
}

static void
add_place_steps(
    struct build_spec *b, const struct runner *runner, const struct job_payload *job)
{
	static const char where[] = "echo \"Running on $(hostname)...\"\n";
	struct spec_step *step = spec_add_step(&b->spec, "prepare_script");

	step->script = (struct bytes){ where, sizeof(where) - 1 };
	add_hooks(b, job, true);
	add_fetch(b, job);
	add_hooks(b, job, false);
	add_cache_step(b, runner, job, true);
}

static void
add_steps(
    struct build_spec *b, const struct runner *runner, const struct job_payload *job)
{
	b->steps = arena_calloc(
	    b->arena, job->hook_count + job->step_count + 5, sizeof(*b->steps));
	if (build_spec_is_elsewhere(b))
		add_place_steps(b, runner, job);
	for (size_t i = 0; !build_spec_is_elsewhere(b) && i < job->hook_count; i++)
		add_step(b, job, job->hooks[i].name, job->hooks[i].script,
		    job->hooks[i].script_count);
	for (size_t i = 0; i < job->step_count; i++) {
		const struct job_step *from = &job->steps[i];
		struct spec_step *step =
		    add_step(b, job, from->name, from->script, from->script_count);

		if (!str_eq(from->name, "after_script")) {
			step->timeout_ms = limit_ms(job, "RUNNER_SCRIPT_TIMEOUT", 0);
			continue;
		}
		set_headline(step, "\033[0K\033[36;1mRunning after_script\033[0;m\n");
		step->timeout_ms =
		    limit_ms(job, "RUNNER_AFTER_SCRIPT_TIMEOUT", AFTER_SCRIPT_MS);
		step->always = step->on_cancel = step->own_clock = true;
		step->ignore_failure = !str_eq(
		    job_payload_variable(job, "AFTER_SCRIPT_IGNORE_ERRORS") != NULL
			? job_payload_variable(job, "AFTER_SCRIPT_IGNORE_ERRORS")
			: "true",
		    "false");
	}
	if (build_spec_is_elsewhere(b))
		add_cache_step(b, runner, job, false);
}

static bool
pulls_cache(const struct job_payload *job)
{
	for (size_t i = 0; i < job->cache_count; i++)
		if (job->caches[i].policy == NULL ||
		    !str_eq(job->caches[i].policy, "push"))
			return true;
	return false;
}

void
build_spec_finish(
    struct build_spec *b, const struct runner *runner, const struct job_payload *job)
{
	struct environment_facts facts = {
		.project_dir = build_spec_project_dir(b),
		.builds_dir = b->builds_dir != NULL
		    ? b->builds_dir
		    : parent_dir(b->arena, build_spec_project_dir(b)),
		.slot = b->slot,
		.runner_name = runner->name,
		.runner_version = runner->version,
		.shell =
		    b->spec.cage.shell.count > 0 ? b->spec.cage.shell.items[0] : NULL,
		.short_token = runner->short_token,
		.is_shared = b->executor == NULL || b->executor->is_shared,
		.env = b->executor == NULL ? EXECUTOR_ENV_MACHINE : b->executor->env,
		.own_env = &b->spec.cage.env,
	};

	if (b->finished)
		return;
	b->finished = true;
	environment_build(job, &facts, b->arena, &b->spec);
	add_steps(b, runner, job);
	b->spec.timeout_ms = job->timeout_s * 1000;
	b->spec.grace_ms = b->spec.cage.grace_ms > 0 ? b->spec.cage.grace_ms : GRACE_MS;
	b->spec.tied = runner->tied;
	if (build_spec_is_elsewhere(b))
		return; /* there is nothing to be put there or taken */
	b->spec.hold = pulls_cache(job) || job->dependency_count > 0;
	b->spec.collect = job->cache_count > 0 || job->artifact_count > 0;
}

const char *
build_spec_usage_path(struct build_spec *b, const char *trace)
{
	const char *slash = strrchr(trace, '/');
	int dir = slash == NULL ? 0 : (int)(slash - trace) + 1;

	if (str_ends(trace, ".log"))
		return arena_printf(
		    b->arena, "%.*s.usage", (int)strlen(trace) - 4, trace);
	return arena_printf(b->arena, "%.*s" BUILD_USAGE_NAME, dir, trace);
}

void
build_spec_set_preface(struct build_spec *b, const char *text)
{
	struct spec_step *first = b->spec.step_count > 0 ? &b->spec.steps[0] : NULL;
	char *both;

	if (first == NULL)
		return;
	both = arena_printf(b->arena, "%s%.*s", text, (int)first->headline.len,
	    first->headline.data != NULL ? first->headline.data : "");
	set_headline(first, both);
}

void
build_spec_item(const struct build_spec *b, int step, int item, char *out, size_t size)
{
	*out = '\0';
	if (step < 0 || item < 0 || (size_t)step >= b->spec.step_count ||
	    (size_t)item >= b->steps[step].count)
		return;
	script_item_title(b->steps[step].items[item], out, size);
}
