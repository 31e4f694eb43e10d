/*
 * pawl lint: is a pipeline file right? Reads, resolves and checks it, without an event:
 * whether its jobs would run is what `pawl list` says. git is asked for nothing unless
 * the file includes others, so that an editor can call this at every keystroke.
 */
#include "cli/lint.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/assign.h"
#include "cli/commands.h"
#include "cli/folder.h"
#include "cli/project.h"

#define DEFAULT_FILE ".gitlab-ci.yml"
#define STDIN_NAME "<stdin>"

static const struct option_row own_options[] = {
	{ 0, "shape", NULL,
	    "check each file by itself, as a fragment: keywords and their values, but no "
	    "includes, and not whether stages, needs and scripts are there" },
	{ 0, "json", NULL, "print the findings as JSON" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, project_options, NULL };

struct lint {
	const struct args *args;
	struct arena *arena;
	struct project project; /* opened when the first file includes others */
	bool opened;
	const struct node *inputs;
};

/* One file: where it is, and how it is read. */
struct target {
	const char *shown;     /* as the user wrote it */
	const char *path;      /* from the root */
	const char *root;      /* of the repository, or the file's folder */
	struct git_repo *repo; /* NULL: in no repository */
	struct worktree tree;  /* with a repository */
	struct folder folder;  /* without */
	const struct provider *below;
	const struct vars *vars;
	struct buf text;          /* of the standard input */
	struct provider provider; /* that text, and what is below */
};

static void
target_clear(struct target *t)
{
	worktree_clear(&t->tree);
	folder_clear(&t->folder);
	git_repo_close(t->repo);
	buf_clear(&t->text);
}
#define cleanup_target __attribute__((cleanup(target_clear)))

static int
cannot(const char *what, const char *name)
{
	(void)fprintf(stderr, "pawl: cannot %s %s: %s\n", what, name, strerror(errno));
	return EXIT_INVALID;
}

static int
read_target(void *data, const char *project, const char *ref, const char *path,
    size_t max, struct buf *out, struct error *err)
{
	struct target *t = data;

	if (project != NULL || !str_eq(path, STDIN_NAME))
		return t->below->read(t->below->data, project, ref, path, max, out, err);
	buf_add(out, buf_str(&t->text), t->text.len);
	return 0;
}

static int
list_target(void *data, const char *project, const char *ref, const struct strlist **out,
    struct error *err)
{
	struct target *t = data;

	return t->below->files(t->below->data, project, ref, out, err);
}

static int
compare_target(void *data, const char *compare_to, bool *known,
    const struct strlist **out, struct error *err)
{
	struct target *t = data;

	return t->below->changed(t->below->data, compare_to, known, out, err);
}

/* The repository dir is in, else dir itself, is what includes are found from. */
static int
target_root(struct target *t, const char *dir)
{
	cleanup_free char *real = realpath(dir, NULL);

	if (real == NULL)
		return cannot("find", dir);
	if (git_repo_open(real, &t->repo, NULL) == 0) {
		worktree_init(&t->tree, t->repo);
		t->root = t->tree.root;
		t->below = &t->tree.provider;
	} else {
		folder_init(&t->folder, real);
		t->root = t->folder.root;
		t->below = &t->folder.provider;
	}
	t->provider = (struct provider){ t, read_target, list_target, compare_target };
	return EXIT_OK;
}

/* `-` is the standard input, as if it were a file of the repository one stands in. */
static int
target_stdin(struct target *t, const char *dir)
{
	struct error err = ERROR_INIT;
	int rc = target_root(t, dir);

	if (rc != EXIT_OK)
		return rc;
	t->shown = t->path = STDIN_NAME;
	if (buf_read_fd(&t->text, STDIN_FILENO, DOCUMENT_MAX_BYTES, &err) < 0) {
		(void)fprintf(stderr, "pawl: standard input: %s\n", err.msg);
		return EXIT_INVALID;
	}
	return EXIT_OK;
}

/* The file itself may be a link to elsewhere: it counts where it is named. */
static int
target_file(struct lint *l, struct target *t, const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash != NULL ? slash + 1 : file;
	cleanup_free char *dir =
	    slash == NULL ? xstrdup(".") : xstrndup(file, (size_t)(slash + 1 - file));
	cleanup_free char *real = realpath(dir, NULL);
	const char *below;
	int rc;

	if (real == NULL || access(file, R_OK) < 0)
		return cannot("read", file);
	rc = target_root(t, real);
	if (rc != EXIT_OK)
		return rc;
	below = real + strlen(t->root);
	below += strspn(below, "/");
	t->path = *below == '\0' ? arena_strdup(l->arena, name)
				 : arena_printf(l->arena, "%s/%s", below, name);
	return EXIT_OK;
}

/* No file named: the repository's. */
static int
target_default(struct target *t, const char *dir)
{
	cleanup_free char *full = NULL;
	int rc = target_root(t, dir);

	if (rc != EXIT_OK)
		return rc;
	t->shown = t->path = DEFAULT_FILE;
	full = path_join(t->root, t->path);
	return access(full, R_OK) < 0 ? cannot("read", full) : EXIT_OK;
}

static int
target_find(struct lint *l, struct target *t, const char *file)
{
	const char *dir = args_value(l->args, "directory");
	cleanup_free char *joined = NULL;

	if (dir == NULL)
		dir = ".";
	if (file == NULL)
		return target_default(t, dir);
	t->shown = file;
	if (str_eq(file, "-"))
		return target_stdin(t, dir);
	joined = *file == '/' || str_eq(dir, ".") ? xstrdup(file) : path_join(dir, file);
	return target_file(l, t, joined);
}

/*
 * Conditions and names of includes see the variables of a push of HEAD; computing those
 * takes longer than all the rest, so it is done only for who may need it.
 */
static int
add_variables(struct lint *l, struct target *t)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	if (t->repo == NULL ||
	    read_target(t, NULL, NULL, t->path, DOCUMENT_MAX_BYTES, &text, &err) < 0 ||
	    strstr(buf_str(&text), "include") == NULL)
		return EXIT_OK;
	if (!l->opened) {
		int rc = project_open(&l->project, l->args);

		l->opened = true;
		if (rc != EXIT_OK)
			return rc;
	}
	if (l->project.root != NULL && str_eq(l->project.root, t->root)) {
		t->vars = &l->project.vars;
		t->below = &l->project.worktree.provider;
	}
	return EXIT_OK;
}

void
lint_document(
    const struct document_options *load, struct arena *arena, struct lint_result *out)
{
	struct document document;
	struct config *config = NULL;

	*out = (struct lint_result){ .jobs = 0 };
	diags_init(&out->diags, arena);
	if (document_load(load, arena, &out->diags, &document) < 0 ||
	    config_build(document.root, arena, load->shape_only || document.incomplete,
		&out->diags, &config) < 0)
		return;
	out->jobs = config->job_count;
}

static void
show_text(const struct target *t, const struct lint_result *result, struct buf *out)
{
	const struct diags *d = &result->diags;

	for (size_t i = 0; i < d->count; i++) {
		struct diag diag = d->items[i];

		if (diag.at.file != NULL && str_eq(diag.at.file, t->path))
			diag.at.file = t->shown;
		diag_format(&diag, out);
		buf_add_char(out, '\n');
	}
	if (d->dropped > 0)
		buf_printf(
		    out, "%s: %zu more findings are not shown\n", t->shown, d->dropped);
	if (d->errors == 0)
		buf_printf(out, "%s: valid, %zu job%s\n", t->shown, result->jobs,
		    result->jobs == 1 ? "" : "s");
}

static void
show_finding(struct json_writer *w, const struct diag *d, const struct target *t)
{
	static const char *const kinds[] = { "syntax", "shape", "logic", "include" };
	bool own = d->at.file != NULL && str_eq(d->at.file, t->path);

	json_begin_object(w);
	json_put_string(w, "severity", d->severity == DIAG_ERROR ? "error" : "warning");
	json_put_string(w, "kind", kinds[d->kind]);
	json_put_string(w, "file", own ? t->shown : d->at.file);
	json_put_int(w, "line", d->at.line);
	json_put_int(w, "column", d->at.col);
	json_put_string(w, "job", d->job);
	json_put_string(w, "message", d->msg);
	json_end_object(w);
}

static void
show_json(struct json_writer *w, const struct target *t, const struct lint_result *result)
{
	json_newline(w);
	json_begin_object(w);
	json_put_string(w, "file", t->shown);
	json_put_bool(w, "valid", result->diags.errors == 0);
	json_put_int(w, "jobs", (int64_t)result->jobs);
	json_key(w, "findings");
	json_begin_array(w);
	for (size_t i = 0; i < result->diags.count; i++)
		show_finding(w, &result->diags.items[i], t);
	json_end_array(w);
	json_put_int(w, "not_shown", (int64_t)result->diags.dropped);
	json_end_object(w);
}

/* file NULL: the usual one. EXIT_OK, EXIT_FAILED for findings, or the code of what kept
 * it from looking. */
static int
lint_file(struct lint *l, const char *file, struct json_writer *json)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_target struct target t = { .shown = file };
	bool shape = args_has(l->args, "shape");
	struct document_options load;
	struct lint_result result;
	int rc = target_find(l, &t, file);

	if (rc == EXIT_OK && !shape)
		rc = add_variables(l, &t);
	if (rc != EXIT_OK)
		return rc;
	load = (struct document_options){ .path = t.path,
		.provider = &t.provider,
		.vars = t.vars,
		.inputs = l->inputs,
		.shape_only = shape };
	lint_document(&load, arena, &result);
	if (json != NULL)
		show_json(json, &t, &result);
	else
		show_text(&t, &result, &text);
	(void)fputs(buf_str(&text), stdout);
	return result.diags.errors > 0 ? EXIT_FAILED : EXIT_OK;
}

static int
lint_files(struct lint *l, struct json_writer *json)
{
	size_t count = args_count(l->args);
	const char *file = args_value(l->args, "file");
	int worst = EXIT_OK;

	for (size_t i = 0; i < (count > 0 ? count : 1); i++) {
		const char *name = count > 0 ? args_word(l->args, i)
		    : file != NULL           ? file
					     : DEFAULT_FILE;
		int rc = lint_file(l, name, json);

		if (rc > worst)
			worst = rc;
	}
	return worst;
}

static int
run(const struct args *args)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf out = BUF_INIT;
	struct lint lint = { .args = args, .arena = arena, .project = PROJECT_INIT };
	struct json_writer json = JSON_WRITER_INIT(&out);
	bool as_json = args_has(args, "json");
	int rc = assign_inputs(args, arena, &lint.inputs);

	if (rc != EXIT_OK)
		return rc;
	if (as_json)
		json_begin_array(&json);
	rc = lint_files(&lint, as_json ? &json : NULL);
	if (as_json) {
		json_end_array(&json);
		(void)puts(buf_str(&out));
	}
	if (lint.opened)
		project_close(&lint.project);
	return rc;
}

const struct command command_lint = {
	.name = "lint",
	.usage = "[FILE…]",
	.summary = "check pipeline files",
	.description =
	    "Reads the pipeline file (default: the repository's .gitlab-ci.yml; - is the "
	    "standard input), resolves includes, extends and references, and checks every "
	    "keyword and whether the jobs fit together. Each finding is a line "
	    "FILE:LINE:COLUMN: error: what is wrong; what to do. Warnings do not count as "
	    "failure.\n\n"
	    "Exit code 0 when there is no error, 1 when there is one, 2 when a file cannot "
	    "be read.",
	.options = options,
	.run = run,
};
