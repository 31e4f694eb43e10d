/* From an entry of `include` to files: which ones, and whether they can be had. */
#include "base/glob.h"
#include "base/path.h"
#include "base/str.h"
#include "pipelines/include_entry.h"
#include "pipelines/include_rules.h"
#include "pipelines/loader.h"
#include "pipelines/merge.h"

/* What is being included, into what. */
struct include {
	struct loader *l;
	const struct source *from;
	const struct include_entry *entry;
	struct node *sum; /* everything so far; NULL: nothing yet */
};

/* ---- loops
 * ---------------------------------------------------------------------------*/

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && str_eq(a, b));
}

static bool
same_inputs(const struct node *a, const struct node *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return node_equal(a, b);
}

static const char *
chain_text(struct loader *l, const struct source *s, const struct source *until)
{
	const char *text = source_name(l, s);

	for (s = s->parent; s != NULL; s = s->parent) {
		text = arena_printf(l->arena, "%s -> %s", source_name(l, s), text);
		if (s == until)
			break;
	}
	return text;
}

/* The same file with the same inputs, inside itself, would never end. */
static bool
is_loop(struct loader *l, const struct source *s)
{
	for (const struct source *p = s->parent; p != NULL; p = p->parent) {
		if (!same_text(p->path, s->path) || !same_text(p->project, s->project) ||
		    !same_text(p->ref, s->ref) || !same_inputs(p->inputs, s->inputs))
			continue;
		loader_missing(l, s->at, "include loop: %s", chain_text(l, s, p));
		return true;
	}
	return false;
}

/* ---- files
 * ---------------------------------------------------------------------------*/

static void
load_path(struct include *in, const char *project, const char *ref, const char *path)
{
	struct source source = {
		.project = project,
		.ref = ref,
		.path = path,
		.parent = in->from,
		.at = in->entry->at,
		.inputs = in->entry->inputs,
	};
	struct node *body;

	if (in->l->merge.work > MERGE_MAX_WORK && !in->l->stopped) {
		in->l->stopped = true;
		loader_missing(in->l, in->entry->at, "includes merge more than %zu keys",
		    MERGE_MAX_WORK);
	}
	if (in->l->stopped || is_loop(in->l, &source))
		return;
	body = loader_read_file(in->l, &source);
	if (body == NULL)
		in->l->incomplete = true;
	else if (in->sum == NULL)
		in->sum = node_copy(in->l->arena, body);
	else
		merge_into(&in->l->merge, in->sum, body);
}

/* A written path as one from the root, in the arena; NULL after a finding. */
static const char *
clean_path(struct include *in, const char *path)
{
	cleanup_free char *clean = NULL;

	while (*path == '/')
		path++;
	clean = path_clean(path);
	if (clean == NULL) {
		loader_missing(
		    in->l, in->entry->at, "`%s` leads out of the repository", path);
		return NULL;
	}
	return arena_strdup(in->l->arena, clean);
}

static void
load_literal(struct include *in, const char *project, const char *ref, const char *path)
{
	path = clean_path(in, path);
	if (path != NULL)
		load_path(in, project, ref, path);
}

/* All tracked files that fit, in their order; none is no mistake. */
static void
load_glob(struct include *in, const char *pattern)
{
	const struct provider *provider = in->l->options->provider;
	const struct source *from = in->from;
	const struct strlist *files = NULL;
	struct error err = ERROR_INIT;
	cleanup_glob struct glob *glob = NULL;
	size_t found = 0;

	while (*pattern == '/')
		pattern++;
	if (provider->files(provider->data, from->project, from->ref, &files, &err) < 0) {
		loader_missing(in->l, in->entry->at, "%s", err.msg);
		return;
	}
	glob = glob_new(pattern, GLOB_INCLUDE);
	for (size_t i = 0; i < files->count; i++) {
		if (!glob_fits(glob, files->items[i]))
			continue;
		found++;
		load_path(in, from->project, from->ref, files->items[i]);
	}
	if (found == 0)
		diag_warning(in->l->diags, DIAG_INCLUDE, in->entry->at, NULL,
		    "no tracked file fits `%s`", pattern);
}

/* ---- entries
 * -------------------------------------------------------------------------*/

/* "group/project", "name" of "host/group/project/name@version"; false: not that form */
static bool
split_component(
    struct arena *a, const char *location, const char **project, const char **name)
{
	size_t len = strcspn(location, "@");
	const char *slash = memrchr(location, '/', len);
	const char *host = memchr(location, '/', len);

	if (slash == NULL || host == slash)
		return false;
	*project = arena_strndup(a, host + 1, (size_t)(slash - host - 1));
	*name = arena_strndup(a, slash + 1, len - (size_t)(slash + 1 - location));
	return strchr(*project, '/') != NULL;
}

static void
miss_component(struct include *in)
{
	const char *project, *name;

	if (split_component(in->l->arena, in->entry->location, &project, &name))
		loader_missing(in->l, in->entry->at,
		    "component `%s` cannot be had: nothing is fetched from the network; clone "
		    "its project, include `project: %s` with `file: templates/%s.yml` instead "
		    "and pass --project %s=PATH",
		    in->entry->location, project, name, project);
	else
		loader_missing(in->l, in->entry->at,
		    "component `%s` cannot be had; its form is HOST/GROUP/PROJECT/NAME@VERSION",
		    in->entry->location);
}

static void
load_entry(struct include *in)
{
	const struct include_entry *entry = in->entry;

	switch (entry->kind) {
	case INCLUDE_LOCAL:
		if (strchr(entry->location, '*') != NULL)
			load_glob(in, entry->location);
		else
			load_literal(
			    in, in->from->project, in->from->ref, entry->location);
		return;
	case INCLUDE_PROJECT:
		for (size_t i = 0; i < entry->file_count; i++)
			load_literal(in, entry->project, entry->ref, entry->files[i]);
		return;
	case INCLUDE_REMOTE:
		loader_missing(in->l, entry->at,
		    "remote file `%s` cannot be had: nothing is fetched from the network; save "
		    "it in the repository and include it with `local`",
		    entry->location);
		return;
	case INCLUDE_TEMPLATE:
		loader_missing(in->l, entry->at,
		    "template `%s` cannot be had: it belongs to GitLab; save a copy in the "
		    "repository and include it with `local`",
		    entry->location);
		return;
	case INCLUDE_COMPONENT:
		miss_component(in);
		return;
	}
}

static void
read_entry(struct include *in, const struct node *n)
{
	const struct document_options *options = in->l->options;
	struct include_entry entry;

	if (!include_entry_read(n, false, options->shape_only ? NULL : in->l->vars,
		in->l->diags, &entry)) {
		in->l->incomplete = true;
		return;
	}
	in->entry = &entry;
	if (include_rules_hold(in->l, in->from, entry.rules) && !options->shape_only)
		load_entry(in);
	in->entry = NULL;
}

struct node *
include_load(struct loader *l, const struct source *from, const struct node *include)
{
	struct include in = { .l = l, .from = from };

	if (node_is_null(include))
		return NULL;
	if (include->kind != NODE_LIST) {
		read_entry(&in, include);
		return in.sum;
	}
	for (size_t i = 0; i < include->count; i++)
		if (!node_is_null(include->items[i]))
			read_entry(&in, include->items[i]);
	return in.sum;
}
