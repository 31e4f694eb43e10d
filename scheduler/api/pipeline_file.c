/* The file that a pipeline was made from, as it was then. */
#include "base/git.h"
#include "base/str.h"
#include "pipelines/document.h"
#include "pipelines/node_json.h"
#include "scheduler/api/pipelines.h"
#include "scheduler/commit_files.h"
#include "scheduler/service_internal.h"

#define DEFAULT_FILE ".gitlab-ci.yml"
#define MAX_DEPTH 32 /* of what was given as inputs, to be shown */

static void
put_commit(struct json_writer *w, struct git_repo *repo, const char *sha)
{
	cleanup_git_facts struct git_facts facts = GIT_FACTS_INIT;
	struct error ignored = ERROR_INIT;

	json_key(w, "commit");
	if (git_repo_commit(repo, sha, &facts, &ignored) < 0) {
		json_add_null(w);
		return;
	}
	json_begin_object(w);
	json_put_string(w, "message", facts.message);
	json_put_string(w, "author_name", facts.author.name);
	json_put_string(w, "author_email", facts.author.email);
	entity_put_time(w, "authored_at", facts.author.time * 1000000);
	json_end_object(w);
}

/* A pipeline may have none: then the text is null. */
static void
put_file(struct json_writer *w, struct commit_files *files, const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error why = ERROR_INIT;
	int rc = path == NULL ? ERR_MISSING
			      : files->provider.read(files->provider.data, NULL, NULL,
				    path, DOCUMENT_MAX_BYTES, &text, &why);

	json_put_string(w, "path", path);
	json_put_string(w, "text", rc == 0 ? buf_str(&text) : NULL);
	json_put_string(w, "why_not", why.code != 0 ? why.msg : NULL);
}

static bool
is_generated(const struct recipe *recipe)
{
	for (size_t i = 0; recipe->config_path != NULL && i < recipe->file_count; i++)
		if (str_eq(recipe->files[i].path, recipe->config_path))
			return true;
	return false;
}

/* What was given for spec:inputs, a map; null when nothing was. */
static void
put_inputs(struct json_writer *w, const struct recipe *recipe)
{
	const struct node *inputs;
	struct diags diags;

	diags_init(&diags, recipe->arena);
	inputs = recipe_inputs(recipe, recipe->arena, &diags);
	json_key(w, "inputs");
	if (inputs != NULL && inputs->depth <= MAX_DEPTH)
		node_json(w, inputs);
	else
		json_add_null(w);
}

static int
write_file(struct reading *r, struct recipe *recipe, const char *sha, struct error *err)
{
	struct json_writer *w = &r->writer;
	struct commit_files files;

	if (commit_files_open(&files, recipe, r->data, err) < 0)
		return err->code;
	json_begin_object(w);
	put_file(w, &files, recipe->config_path);
	json_put_bool(w, "generated", is_generated(recipe));
	put_inputs(w, recipe);
	put_commit(w, files.repo, sha);
	json_end_object(w);
	commit_files_close(&files);
	return 0;
}

/* Of one that could not be compiled nothing is kept: its file is where files are by
 * default, or where the project has it now. */
static struct recipe *
guess(const struct reading *r, const struct store_pipeline *row)
{
	struct recipe *recipe = recipe_new();
	const struct event event = {
		.project_path = r->project.path, .sha = row->sha, .ref = row->ref
	};

	recipe_set_event(recipe, &event);
	recipe->config_path =
	    r->project.config_path != NULL ? r->project.config_path : DEFAULT_FILE;
	return recipe;
}

static int
read_file(struct store_view *v, struct reading *r, struct error *err)
{
	struct recipe *recipe = NULL;
	struct store_pipeline row;
	int rc;

	if (pipelines_get(v, r, &row, err) < 0 ||
	    pipelines_open_recipe(r, &row, &recipe, err) < 0)
		return err->code;
	if (recipe == NULL)
		recipe = guess(r, &row);
	rc = write_file(r, recipe, row.sha, err);
	recipe_free(recipe);
	return rc;
}

static void
get_file(struct call *c)
{
	struct reading *r = reading_of_member(c);

	if (r == NULL)
		return;
	r->data = service_repos_dir(c->service);
	reading_start(r, read_file);
}

const struct api_route api_pipeline_file_routes[] = {
	{ "GET", "/api/pawl/v1/projects/:id/pipelines/:pipeline/file", API_READ,
	    get_file },
	{ NULL },
};
