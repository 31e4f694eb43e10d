/* pawl run: this repository's pipeline, here and now. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/kept.h"
#include "cli/local.h"
#include "cli/run_settings.h"
#include "cli/select.h"
#include "runner/artifacts_export.h"
#include "runner/clone_path.h"
#include "runner/launcher.h"
#include "runner/layer_gc.h"
#include "runner/sweep.h"

static const struct option_row own_options[] = {
	{ 'j', "jobs", "N", "run at most N jobs at once (default: the number of CPUs)" },
	{ 'x', "executor", "NAME",
	    "how jobs are run: auto (the default), container, docker, sandbox, shell" },
	{ 0, "config", "FILE",
	    "settings, as of a runner (default: ~/.config/pawl/run.yml)" },
	{ 0, "privileged", NULL, "let root in a container do what root may do here" },
	{ 0, "volume", "[FROM:]TO[:ro]",
	    "give containers a folder or socket of this machine; may be repeated" },
	{ 0, "needs", NULL, "run first what the named jobs need" },
	{ 0, "in-place", NULL, "run in the work tree itself instead of in copies of it" },
	{ 0, "keep-failed", NULL,
	    "keep what a failed job was running in, for pawl shell to look at" },
	{ 0, "json", NULL, "print one JSON event per line" },
	{ 0, "timestamps", NULL, "print the time in front of each line" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, project_options, NULL };

struct folders {
	char *scratch, *logs, *artifacts, *cache, *images, *layers;
};

static void
folders_clear(struct folders *f)
{
	free(f->scratch);
	free(f->logs);
	free(f->artifacts);
	free(f->cache);
	free(f->images);
	free(f->layers);
}

static int
fail(const struct error *err, int exit_code)
{
	(void)fprintf(stderr, "pawl: %s\n", err->msg);
	return exit_code;
}

/* .pawl ignores itself: nobody has to touch .gitignore for it. */
static int
make_state_dir(const char *dir, struct error *err)
{
	cleanup_free char *ignore = path_join(dir, ".gitignore");

	if (access(ignore, F_OK) == 0)
		return 0;
	if (path_mkdirs(dir, 0755, err) < 0)
		return err->code;
	return path_write_file(ignore, "*\n", 2, 0644, err);
}

static int
make_folders(const struct project *p, struct folders *f, struct error *err)
{
	f->logs = path_join(p->state_dir, "logs");
	f->artifacts = path_join(p->state_dir, "artifacts");
	f->cache = path_join(p->state_dir, "cache");
	if (make_state_dir(p->state_dir, err) < 0 || path_mkdirs(f->logs, 0755, err) < 0)
		return err->code;
	if (snapshot_scratch_dir(p->root, &f->scratch, err) < 0)
		return err->code;
	/* of all projects */
	f->images = xasprintf(
	    "%.*s/images", (int)(strrchr(f->scratch, '/') - f->scratch), f->scratch);
	f->layers = path_join(f->scratch, "artifacts");
	return 0;
}

static int
slots(const struct args *args, size_t *out)
{
	const char *text = args_value(args, "jobs");
	int64_t n = sysconf(_SC_NPROCESSORS_ONLN);

	if (text != NULL && (!str_to_int64(text, &n) || n < 1 || n > 10000))
		return command_usage_error(
		    args, "-j %s: wanted a number from 1 to 10000", text);
	*out = (size_t)(n < 1 ? 1 : n);
	return EXIT_OK;
}

/* Beside those of the settings. Points into the arguments. */
static void
list_volumes(const struct args *args, struct arena *arena, struct runner *runner)
{
	struct executor_settings *settings = &runner->executor_settings;
	const char *volume, **all;
	size_t count = settings->volume_count;

	for (size_t pos = 0; args_next(args, "volume", &pos) != NULL;)
		count++;
	all = arena_calloc(arena, count + 1, sizeof(*all));
	for (size_t i = 0; i < settings->volume_count; i++)
		all[i] = settings->volumes[i];
	for (size_t pos = 0; (volume = args_next(args, "volume", &pos)) != NULL;)
		all[settings->volume_count++] = volume;
	settings->volumes = all;
}

static int
choose_executor(
    const struct args *args, const struct runner_settings *s, struct runner *runner)
{
	const char *name = args_value(args, "executor");
	struct error err = ERROR_INIT;

	runner_set(runner, s);
	if (args_has(args, "privileged"))
		runner->executor_settings.privileged = true;
	list_volumes(args, s->arena, runner);
	if (name == NULL)
		name = s->executor;
	if (runner_choose_executor(runner, name, &err) < 0)
		return err.code == ERR_INVALID ? command_usage_error(args, "%s", err.msg)
					       : fail(&err, EXIT_FAULT);
	if (runner_notice(runner) != NULL)
		(void)fprintf(stderr, "pawl: %s\n", runner_notice(runner));
	return EXIT_OK;
}

static bool
has_caches(const struct plan *plan)
{
	for (size_t i = 0; i < plan->job_count; i++)
		if (plan->jobs[i].config->caches.count > 0)
			return true;
	return false;
}

static int
choose_runner(struct project *p, const struct plan *plan, const struct args *args,
    size_t slot_count, struct runner *runner)
{
	struct runner_settings settings;
	struct error err = ERROR_INIT;
	int rc = run_settings_read(args, p->arena, &settings);

	if (!has_caches(plan))
		settings.cache = NULL;
	if (rc == EXIT_OK)
		run_settings_find_project(&settings, &p->vars, &p->event.project_id);
	if (rc == EXIT_OK &&
	    runner_add_cache(runner, &settings, (int64_t)slot_count, &err) < 0)
		rc = fail(&err, EXIT_INVALID);
	return rc == EXIT_OK ? choose_executor(args, &settings, runner) : rc;
}

/* Nothing to run is an answer, not an error; GitLab makes no pipeline then either. */
static int
explain_empty(const struct plan *plan)
{
	(void)fprintf(stderr, "pawl: no pipeline for this event: %s\n",
	    plan->why.text != NULL ? plan->why.text : "no job is left to run");
	return EXIT_OK;
}

static int
run_plan(struct local *local, struct plan *plan, const struct args *args,
    const struct selection *selection, size_t slot_count)
{
	static const char *const not_repeated[] = { "jobs", "needs", "json", "timestamps",
		NULL };
	cleanup_buf struct buf given = BUF_INIT;
	struct local_options run = { .slots = slot_count,
		.include = selection->include,
		.play = selection->play,
		.job_count = selection->count };

	local->screen_options = (struct screen_options){ .fd = STDOUT_FILENO,
		.json = args_has(args, "json"),
		.timestamps = args_has(args, "timestamps") };
	screen_detect(&local->screen_options);
	args_add_options(args, not_repeated, &given);
	local->options = buf_str(&given);
	return local_run(local, plan, &run);
}

/* The source tree and where jobs work on it. */
static int
open_workspaces(struct project *p, const struct args *args, const struct folders *f,
    struct snapshot **snapshot, struct workspaces **workspaces, struct error *err)
{
	bool in_place = args_has(args, "in-place");
	const char *slash = strrchr(p->event.project_path, '/');
	struct workspaces_options w = {
		.scratch_dir = f->scratch,
		.root = p->root,
		.project_name = slash != NULL ? slash + 1 : p->event.project_path,
		.mode = in_place ? WORKSPACE_IN_PLACE : WORKSPACE_AUTO,
	};

	if (!in_place && snapshot_take(p->repo, &p->facts, f->scratch, snapshot, err) < 0)
		return err->code;
	w.snapshot = *snapshot;
	if (workspaces_new(&w, workspaces, err) < 0)
		return err->code;
	return sweep_jobs(workspaces_jobs_dir(*workspaces), err) < 0 ? err->code : 0;
}

static void
tidy_up(const struct folders *f)
{
	static const struct layer_limits limits = LAYER_LIMITS_DEFAULT;
	cleanup_free char *stamp = path_join(f->scratch, "tidied");
	cleanup_free char *builds = path_join(f->scratch, "builds");
	const struct layer_places places = {
		.caches = f->cache, .artifacts = f->layers, .stamp = stamp
	};

	clone_places_tidy(builds);
	layer_gc_now_and_then(&places, &limits);
}

/* Also of repositories that never run again. */
static void
tidy_groups(const struct cgroup_places *places, const char *scratch)
{
	cleanup_free char *all = path_join(scratch, "..");

	cgroup_places_note(places, scratch);
	cgroup_places_note(places, all);
	cgroup_places_tidy(all);
}

static int
prepare_and_run(struct project *p, struct plan *plan, const struct args *args,
    const struct selection *selection)
{
	struct runner runner = {
		.name = "pawl run", .version = PACKAGE_VERSION, .tied = true
	};
	struct local local = { .project = p, .runner = &runner };
	struct workspaces *workspaces = NULL;
	struct snapshot *snapshot = NULL;
	struct folders f = { NULL };
	struct error err = ERROR_INIT;
	size_t slot_count = 1;
	uv_loop_t loop;
	int rc;

	rc = slots(args, &slot_count);
	if (rc == EXIT_OK)
		rc = choose_runner(p, plan, args, slot_count, &runner);
	if (rc == EXIT_OK &&
	    (make_folders(p, &f, &err) < 0 ||
		open_workspaces(p, args, &f, &snapshot, &workspaces, &err) < 0 ||
		ids_reserve(p->state_dir, plan->job_count, &local.ids, &err) < 0))
		rc = fail(&err, EXIT_INVALID);
	if (rc == EXIT_OK) {
		runner.workspaces = workspaces;
		runner.snapshot = snapshot;
		runner.keep_failed = args_has(args, "keep-failed");
		runner.logs_dir = f.logs;
		runner.artifacts_dir = f.artifacts;
		runner.artifact_layers_dir = f.layers;
		runner.cache_dir = f.cache;
		runner.executor_settings.images_dir = f.images;
		runner.executor_settings.local_images_dir = p->root;
		tidy_groups(&runner.cgroups, f.scratch);
		kept_prune(f.logs, f.artifacts, local.ids.job);
		uv_loop_init(&loop);
		runner.loop = local.loop = &loop;
		runner.launcher = launcher_new(false);
		runner.exports = artifacts_exports_new(&loop);
		rc = run_plan(
		    &local, plan, args, selection, slot_count); /* takes the plan */
		artifacts_exports_free(runner.exports);
		tidy_up(&f);
		launcher_free(runner.launcher);
		uv_loop_close(&loop);
	} else {
		plan_free(plan);
	}
	runner_close_executors(&runner);
	workspaces_free(workspaces);
	snapshot_release(snapshot);
	folders_clear(&f);
	return rc;
}

static int
run(const struct args *args)
{
	cleanup_project struct project project = PROJECT_INIT;
	struct selection selection = { NULL };
	struct error err = ERROR_INIT;
	const char **names;
	struct plan *plan = NULL;
	int rc = project_open(&project, args);

	if (rc == EXIT_OK)
		rc = project_compile(&project, &plan);
	if (rc != EXIT_OK)
		return rc;
	names = arena_calloc(project.arena, args_count(args), sizeof(*names));
	for (size_t i = 0; i < args_count(args); i++)
		names[i] = args_word(args, i);
	if (selection_make(plan, names, args_count(args), args_has(args, "needs"),
		&selection, &err) < 0) {
		(void)fprintf(stderr, "pawl: %s\n", err.msg);
		rc = EXIT_INVALID;
	} else if (!plan->created && args_count(args) == 0) {
		rc = explain_empty(plan);
	} else {
		rc = prepare_and_run(&project, take(plan), args, &selection);
	}
	plan_free(plan);
	selection_clear(&selection);
	return rc;
}

const struct command command_run = {
	.name = "run",
	.usage = "[JOB…]",
	.summary = "run this repository's pipeline on this machine",
	.description =
	    "Compiles .gitlab-ci.yml as a server would for a push of the current branch, and runs its "
	    "jobs here, in the order the graph allows. Jobs work on private copies of the working "
	    "state (tracked files, and untracked ones that are not ignored); the work tree is not "
	    "touched.\n\n"
	    "With names, only those jobs run; manual and delayed ones among them at once. Logs, "
	    "artifacts and caches are kept below .pawl in the repository.\n\n"
	    "Ctrl-C cancels: after_script still runs. A second one ends everything.",
	.options = options,
	.run = run,
};
