/* Compiling the pipeline file of a commit. */
#include "scheduler/compile.h"

#include <strings.h>

#include "base/git.h"
#include "scheduler/commit_files.h"
#include "scheduler/predefined.h"

#define DEFAULT_FILE ".gitlab-ci.yml"

bool
compile_message_skips(const char *message)
{
	static const char *const words[] = { "[ci skip]", "[skip ci]", "[ci-skip]",
		"[skip-ci]" };

	for (const char *at = message; (at = strchr(at, '[')) != NULL; at++)
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (strncasecmp(at, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

int
compile_read_commit(struct recipe *r, struct git_repo *repo, struct error *err)
{
	cleanup_git_facts struct git_facts facts = GIT_FACTS_INIT;
	cleanup_free char *author = NULL, *when = NULL;

	if (r->event.message != NULL || r->event.sha == NULL)
		return 0;
	if (git_repo_commit(repo, r->event.sha, &facts, err) < 0)
		return err->code;
	author = git_person_text(&facts.author);
	when = git_person_iso8601(&facts.committer);
	r->event.message = arena_strdup(r->arena, facts.message);
	r->event.author = arena_strdup(r->arena, author);
	r->event.timestamp = arena_strdup(r->arena, when);
	return 0;
}

/* What is compiled first is what holds: see struct recipe. */
static void
hold_vars(struct compilation *c)
{
	struct recipe *r = c->recipe;

	if (r->has_held)
		return;
	r->has_held = true;
	for (size_t i = 0; i < c->var_count; i++)
		if (!c->vars[i].is_protected || r->event.ref_is_protected)
			recipe_hold_var(r, &c->vars[i]);
}

/* Variables for some environments only are handed over apart; see struct plan_options. */
static void
set_vars(const struct recipe *r, struct vars *vars, struct var **scoped,
    size_t *scoped_count, struct arena *arena)
{
	*scoped = arena_calloc(arena, r->held_count, sizeof(**scoped));
	predefined_set(vars, &r->event);
	for (size_t i = 0; i < r->held_count; i++) {
		const struct var *var = &r->held[i].var;

		if (var_fits_everywhere(var))
			vars_set(vars, var);
		else
			(*scoped)[(*scoped_count)++] = *var;
	}
	for (size_t i = 0; i < r->var_count; i++)
		vars_set(vars, &r->vars[i]);
}

static void
keep_findings(struct compilation *c, const struct diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		diag_format(&diags->items[i], &c->findings);
		buf_add_char(&c->findings, '\n');
		if (c->watch != NULL && c->watch->on_finding != NULL)
			c->watch->on_finding(&diags->items[i], c->watch->data);
	}
	if (diags->dropped > 0)
		buf_printf(&c->findings, "and %zu more findings\n", diags->dropped);
	c->error_count = diags->errors;
}

static int
compile(struct compilation *c, struct commit_files *files, struct arena *arena,
    struct diags *diags)
{
	const struct recipe *r = c->recipe;
	struct vars vars;
	struct document_options load = { .path = r->config_path,
		.provider = &files->provider,
		.vars = &vars,
		.inputs = recipe_inputs(r, arena, diags),
		.is_unasked = c->is_unasked };
	struct plan_options options = { .provider = &files->provider,
		.vars = &vars,
		.event = { r->event.ref, r->event.is_tag, r->event.source } };
	struct var *scoped = NULL;
	struct config *config;
	struct document document;
	int loaded, rc = ERR_INVALID;

	vars_init(&vars, arena, NULL);
	set_vars(r, &vars, &scoped, &options.scoped_count, arena);
	options.scoped = scoped;
	loaded = document_load(&load, arena, diags, &document);
	if (c->watch != NULL && c->watch->on_document != NULL)
		c->watch->on_document(&document, c->watch->data);
	if (loaded == 0 &&
	    config_build(document.root, arena, document.incomplete, diags, &config) ==
		0 &&
	    diags->errors == 0) {
		if (c->watch != NULL && c->watch->on_config != NULL)
			c->watch->on_config(config, c->watch->data);
		options.files = document.files;
		options.file_count = document.file_count;
		if (!c->only_checks)
			rc = plan_compile(config, &options, arena, diags, &c->plan);
	}
	vars_clear(&vars);
	return rc;
}

static bool
has_file(struct commit_files *files, const struct recipe *r)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error why = ERROR_INIT;

	return files->provider.read(files->provider.data, NULL, NULL, r->config_path,
		   DOCUMENT_MAX_BYTES, &text, &why) != ERR_MISSING;
}

int
compile_recipe(struct compilation *c, struct error *err)
{
	struct commit_files files;
	struct recipe *r = c->recipe;
	struct arena *arena;
	struct diags diags;
	int rc;

	if (r->config_path == NULL)
		r->config_path = DEFAULT_FILE;
	if (commit_files_open(&files, r, c->repos_dir, err) < 0)
		return err->code;
	rc = compile_read_commit(r, files.repo, err);
	if (rc == 0) {
		c->is_skipped =
		    r->event.message != NULL && compile_message_skips(r->event.message);
		c->no_file = !has_file(&files, r);
		hold_vars(c);
	}
	if (rc == 0 && !c->no_file) {
		arena = arena_new();
		diags_init(&diags, arena);
		if (compile(c, &files, arena, &diags) == 0)
			plan_hash(c->plan, c->hash);
		keep_findings(c, &diags);
		if (c->plan == NULL)
			arena_free(arena); /* otherwise the plan's */
	}
	commit_files_close(&files);
	return rc;
}

void
compilation_clear(struct compilation *c)
{
	plan_free(take(c->plan));
	buf_clear(&c->findings);
}
