/*
 * A pipeline's text, all the way to a plan and to what is told of it. The event depends
 * on the length, so that every kind of event gets its share. Needs have to lead to jobs
 * that are there, artifacts have to come from jobs before, and the hash has to be one.
 */
#include "pipelines/document.h"
#include "pipelines/graph.h"
#include "pipelines/plan_json.h"
#include "pipelines/why_text.h"

#define EXPLAINED_MAX 20 /* jobs; more take long and tell nothing new */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	const char *text;
	size_t len;
	struct strlist files;
};

static int
serve_file(void *data, const char *project, const char *ref, const char *path, size_t max,
    struct buf *out, struct error *err)
{
	const struct world *world = data;

	(void)ref;
	if (project != NULL)
		return error_set(err, ERR_ENVIRONMENT, "%s is not here", project);
	if (world->len > max)
		return error_set(err, ERR_LIMIT, "%s is too large", path);
	buf_add(out, world->text, world->len);
	return 0;
}

static int
serve_files(void *data, const char *project, const char *ref, const struct strlist **out,
    struct error *err)
{
	struct world *world = data;

	(void)project;
	(void)ref;
	(void)err;
	*out = &world->files;
	return 0;
}

static int
serve_changed(void *data, const char *compare_to, bool *known, const struct strlist **out,
    struct error *err)
{
	struct world *world = data;

	if (compare_to != NULL && strcmp(compare_to, "main") != 0)
		return error_set(err, ERR_MISSING, "no ref %s", compare_to);
	*known = world->len % 2 == 0;
	*out = &world->files;
	return 0;
}

static const struct plan_event events[] = {
	{ "main", false, "push" },
	{ "v1.0", true, "push" },
	{ "feature/x", false, "merge_request_event" },
	{ "main", false, "schedule" },
};

/* The plan, or NULL and the arena is still the caller's. */
static struct plan *
compile(struct world *world, struct arena *arena, struct diags *diags)
{
	const struct provider provider = { world, serve_file, serve_files,
		serve_changed };
	struct plan_options options = { .provider = &provider,
		.event = events[world->len % ARRAY_LEN(events)] };
	struct document_options load = { .path = ".gitlab-ci.yml",
		.provider = &provider };
	struct document document;
	struct config *config;
	struct plan *plan = NULL;
	struct vars vars;

	vars_init(&vars, arena, NULL);
	vars_set_str(&vars, VAR_PREDEFINED, "CI_COMMIT_REF_NAME", options.event.ref);
	vars_set_str(&vars, VAR_PREDEFINED, "CI_PIPELINE_SOURCE", options.event.source);
	load.vars = options.vars = &vars;
	if (document_load(&load, arena, diags, &document) == 0 && diags->errors == 0 &&
	    config_build(document.root, arena, false, diags, &config) == 0 &&
	    diags->errors == 0) {
		options.files = document.files;
		options.file_count = document.file_count;
		if (plan_compile(config, &options, arena, diags, &plan) < 0)
			plan = NULL;
	}
	vars_clear(&vars);
	return plan;
}

static void
check_jobs(const struct plan *plan)
{
	for (size_t i = 0; i < plan->job_count; i++) {
		const struct plan_job *job = &plan->jobs[i];

		if (job->created && !plan->created)
			abort();
		for (size_t k = 0; k < job->need_count; k++)
			if (job->needs[k].job >= plan->job_count ||
			    !plan->jobs[job->needs[k].job].created)
				abort();
		for (size_t k = 0; k < job->artifact_source_count; k++)
			if (job->artifact_sources[k] >= plan->job_count ||
			    plan->jobs[job->artifact_sources[k]].stage_index >
				job->stage_index)
				abort();
	}
}

static void
tell(const struct plan *plan)
{
	cleanup_buf struct buf out = BUF_INIT;
	char hash[PLAN_HASH_SIZE], again[PLAN_HASH_SIZE];

	plan_list_json(plan, true, &out);
	for (int format = GRAPH_TEXT; format <= GRAPH_SVG; format++)
		graph_write(plan, (enum graph_format)format, &out);
	why_explain_pipeline(plan, &out);
	for (size_t i = 0; i < plan->job_count && i < EXPLAINED_MAX; i++)
		why_explain(plan, &plan->jobs[i], &out);
	plan_hash(plan, hash);
	plan_hash(plan, again);
	if (strcmp(hash, again) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { (const char *)data, size, STRLIST_INIT };
	struct arena *arena = arena_new();
	struct diags diags;
	struct plan *plan;

	strlist_add(&world.files, "Makefile");
	strlist_add(&world.files, "src/main.c");
	diags_init(&diags, arena);
	plan = compile(&world, arena, &diags);
	if (plan != NULL) {
		check_jobs(plan);
		tell(plan);
		plan_free(plan);
	} else {
		arena_free(arena);
	}
	strlist_clear(&world.files);
	return 0;
}
