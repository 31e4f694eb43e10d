/* Opening the repository, with the variables that are given. */
#include "cli/project.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/assign.h"
#include "cli/project_event.h"
#include "scheduler/predefined.h"
#include "scheduler/variables_file.h"

#define DEFAULT_FILE ".gitlab-ci.yml"

const struct option_row project_options[] = {
	{ 'C', "directory", "DIR", "work on the repository in DIR instead of here" },
	{ 'f', "file", "FILE", "the pipeline file (default: .gitlab-ci.yml)" },
	{ 'v', "variable", "K=V", "set a pipeline variable; may be repeated" },
	{ 'i', "input", "K=V",
	    "give a value for an input of the file's spec; may be repeated" },
	{ 0, "variables", "FILE",
	    "a YAML file of the variables a server would hold (default: "
	    "~/.config/pawl/variables.yml, then .pawl/variables.yml)" },
	{ 0, "ref", "REF",
	    "pretend to be on this branch or tag (default: the current branch)" },
	{ 0, "event", "SOURCE",
	    "what starts the pipeline: push (default), web, schedule, api, trigger, "
	    "merge_request_event …; becomes CI_PIPELINE_SOURCE" },
	{ 0, "project", "GROUP/NAME=PATH",
	    "where `include: project:` finds that project on this machine; may be repeated" },
	{ 0 },
};

static int
fail(const struct error *err, int exit_code)
{
	(void)fprintf(stderr, "pawl: %s\n", err->msg);
	return exit_code;
}

static int
find_repository(struct project *p, const struct args *args)
{
	const char *dir = args_value(args, "directory");
	struct error err = ERROR_INIT;

	if (git_repo_open(dir != NULL ? dir : ".", &p->repo, &err) < 0)
		return fail(&err, EXIT_INVALID);
	p->root = git_repo_work_tree(p->repo);
	p->state_dir = arena_printf(p->arena, "%s/.pawl", p->root);
	return EXIT_OK;
}

/* -f is meant from where the user stands; the compiler wants it from the root. */
static int
find_file(struct project *p, const struct args *args)
{
	const char *file = args_value(args, "file"), *dir = args_value(args, "directory");
	cleanup_free char *joined = NULL;
	cleanup_free char *real = NULL;
	size_t n = strlen(p->root);

	p->path = DEFAULT_FILE;
	if (file == NULL)
		return EXIT_OK;
	joined = *file == '/' || dir == NULL ? xstrdup(file) : path_join(dir, file);
	real = realpath(joined, NULL);
	if (real == NULL) {
		(void)fprintf(
		    stderr, "pawl: cannot find %s: %s\n", joined, strerror(errno));
		return EXIT_INVALID;
	}
	if (strncmp(real, p->root, n) != 0 || real[n] != '/') {
		(void)fprintf(
		    stderr, "pawl: %s lies outside the repository %s\n", joined, p->root);
		return EXIT_INVALID;
	}
	p->path = arena_strdup(p->arena, real + n + 1);
	return EXIT_OK;
}

static void
add_variable(struct project *p, const struct var *var)
{
	const char *scope = var->environment_scope;

	if (var->is_protected && !p->event.ref_is_protected)
		return;
	if (scope == NULL || str_eq(scope, "*")) {
		vars_set(&p->vars, var);
		return;
	}
	ARENA_GROW(p->arena, p->scoped, p->scoped_count, p->scoped_cap);
	p->scoped[p->scoped_count++] = *var;
}

static int
load_variables_file(struct project *p, const char *path, bool must_exist)
{
	struct var *vars;
	struct diags diags;
	size_t count;

	if (!must_exist && access(path, F_OK) < 0)
		return EXIT_OK;
	diags_init(&diags, p->arena);
	if (variables_file_load(path, p->arena, &vars, &count, &diags) < 0)
		return report_diags(&diags);
	for (size_t i = 0; i < count; i++)
		add_variable(p, &vars[i]);
	return EXIT_OK;
}

static int
load_variables(struct project *p, const struct args *args)
{
	const char *given = args_value(args, "variables"),
		   *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	cleanup_free char *own = NULL;
	cleanup_free char *projects = xasprintf("%s/variables.yml", p->state_dir);
	int rc = EXIT_OK;

	if (given != NULL)
		return load_variables_file(p, given, true);
	if (config != NULL && *config == '/')
		own = xasprintf("%s/pawl/variables.yml", config);
	else if (home != NULL)
		own = xasprintf("%s/.config/pawl/variables.yml", home);
	if (own != NULL)
		rc = load_variables_file(p, own, false);
	return rc != EXIT_OK ? rc : load_variables_file(p, projects, false);
}

/* What may start a pipeline: gitlab-ci-language.md section 9, CI_PIPELINE_SOURCE. */
static int
check_event(const struct args *args)
{
	static const char *const sources[] = { "push", "web", "schedule", "api",
		"trigger", "pipeline", "parent_pipeline", "merge_request_event",
		"external", "external_pull_request_event", "chat", "webide",
		"security_orchestration_policy", "ondemand_dast_scan",
		"ondemand_dast_validation", NULL };
	const char *event = args_value(args, "event"), *near;

	if (event == NULL)
		return EXIT_OK;
	for (size_t i = 0; sources[i] != NULL; i++)
		if (str_eq(sources[i], event))
			return EXIT_OK;
	near = str_nearest(event, sources);
	return command_usage_error(args,
	    "--event %s: there is no such event; did you mean %s?", event,
	    near != NULL ? near : "push, web, schedule or merge_request_event");
}

int
project_open(struct project *p, const struct args *args)
{
	struct error err = ERROR_INIT;
	cleanup_free char *memo = NULL;
	const char *spec;
	int rc;

	p->arena = arena_new();
	if ((rc = check_event(args)) != EXIT_OK ||
	    (rc = find_repository(p, args)) != EXIT_OK ||
	    (rc = find_file(p, args)) != EXIT_OK)
		return rc;
	memo = path_join(p->state_dir, "facts");
	if (git_repo_facts(p->repo, access(p->state_dir, W_OK) == 0 ? memo : NULL,
		&p->facts, &err) < 0)
		return fail(&err, EXIT_INVALID);
	worktree_init(&p->worktree, p->repo);
	for (size_t pos = 0; (spec = args_next(args, "project", &pos)) != NULL;)
		if (worktree_add_project(&p->worktree, spec, &err) < 0)
			return fail(&err, EXIT_INVALID);
	project_make_event(p, args);
	vars_init(&p->vars, p->arena, NULL);
	predefined_set(&p->vars, &p->event);
	if (str_eq(p->event.source, "merge_request_event"))
		project_set_merge_request(p);
	if ((rc = load_variables(p, args)) != EXIT_OK ||
	    (rc = assign_variables(args, &p->vars)) != EXIT_OK)
		return rc;
	return assign_inputs(args, p->arena, &p->inputs);
}

void
project_close(struct project *p)
{
	vars_clear(&p->vars);
	worktree_clear(&p->worktree);
	git_facts_clear(&p->facts);
	git_repo_close(p->repo);
	arena_free(p->arena);
	*p = (struct project)PROJECT_INIT;
}

int
project_compile_source(struct project *p, const struct project_source *source,
    struct diags *diags, struct plan **out)
{
	struct document_options load = { .path = source->path,
		.provider = &p->worktree.provider,
		.vars = source->vars,
		.inputs = source->inputs };
	struct plan_options options = { .provider = &p->worktree.provider,
		.vars = source->vars,
		.scoped = p->scoped,
		.scoped_count = p->scoped_count,
		.event = {
		    source->event->ref, source->event->is_tag, source->event->source } };
	struct arena *arena = diags->arena;
	struct config *config;
	struct document document;

	/* errors of loading do not end it: what else is wrong is told with them */
	if (document_load(&load, arena, diags, &document) < 0 ||
	    config_build(document.root, arena, document.incomplete, diags, &config) < 0 ||
	    diags->errors > 0)
		return EXIT_INVALID;
	options.files = document.files;
	options.file_count = document.file_count;
	return plan_compile(config, &options, arena, diags, out) < 0 ? EXIT_INVALID
								     : EXIT_OK;
}

int
project_compile(struct project *p, struct plan **out)
{
	struct project_source source = { p->path, &p->vars, p->inputs, &p->event };
	struct arena *arena = arena_new();
	struct diags diags;
	int rc;

	diags_init(&diags, arena);
	rc = project_compile_source(p, &source, &diags, out);
	report_diags(&diags);
	if (rc != EXIT_OK)
		arena_free(arena); /* otherwise the plan's */
	return rc;
}
