/* The shape of include entries, as a table of their keys. */
#include "pipelines/include_entry.h"

#include <strings.h>

#include "base/str.h"
#include "pipelines/suggest.h"

enum {
	IN_LOCAL = 1 << INCLUDE_LOCAL,
	IN_PROJECT = 1 << INCLUDE_PROJECT,
	IN_REMOTE = 1 << INCLUDE_REMOTE,
	IN_TEMPLATE = 1 << INCLUDE_TEMPLATE,
	IN_COMPONENT = 1 << INCLUDE_COMPONENT,
	IN_ALL = IN_LOCAL | IN_PROJECT | IN_REMOTE | IN_TEMPLATE | IN_COMPONENT,
	IN_HEADER = IN_LOCAL | IN_PROJECT | IN_REMOTE,
};

/* In the order of the enum. */
static const char *const kind_keys[] = { "local", "project", "remote", "template",
	"component" };

static const struct {
	const char *key;
	unsigned with; /* the kinds it belongs to */
} extra_keys[] = {
	{ "file", IN_PROJECT },
	{ "ref", IN_PROJECT },
	{ "integrity", IN_REMOTE },
	{ "inputs", IN_ALL },
	{ "rules", IN_ALL },
};

static const char *const all_keys[] = { "local", "project", "file", "ref", "remote",
	"integrity", "template", "component", "inputs", "rules", NULL };

struct entry_reader {
	const struct node *n;
	const struct vars *vars;
	struct diags *diags;
	struct include_entry *out;
	bool ok;
};

static void PRINTF(3, 4)
    complain(struct entry_reader *r, struct mark at, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	r->ok = false;
	diag_error(r->diags, DIAG_SHAPE, at, NULL, "%s", text);
}

static const char *
expanded(struct entry_reader *r, const char *text)
{
	if (r->vars == NULL || strpbrk(text, "$%") == NULL)
		return text;
	return vars_expand_runner(r->vars, r->diags->arena, text);
}

/* ---- keys
 * ----------------------------------------------------------------------------*/

static unsigned
kinds_present(const struct node *n)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < ARRAY_LEN(kind_keys); i++)
		if (!node_is_null(node_get(n, kind_keys[i])))
			kinds |= 1U << i;
	return kinds;
}

static bool
read_kind(struct entry_reader *r, bool header)
{
	unsigned kinds = kinds_present(r->n);
	const char *choice = header ? "local, project or remote"
				    : "local, project, remote, template or component";

	if (header && (kinds & ~(unsigned)IN_HEADER) != 0) {
		complain(r, r->n->mark, "`spec:include` takes %s only", choice);
		return false;
	}
	if (__builtin_popcount(kinds) != 1) {
		complain(r, r->n->mark, "`include` must specify exactly one of %s%s",
		    choice,
		    node_get(r->n, "artifact") != NULL
			? "; `artifact` is for trigger:include"
			: "");
		return false;
	}
	r->out->kind = (enum include_kind)__builtin_ctz(kinds);
	return true;
}

/* The kinds an extra key belongs to; 0: no extra key. */
static unsigned
kinds_of_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(extra_keys); i++)
		if (str_eq(extra_keys[i].key, key))
			return extra_keys[i].with;
	return 0;
}

static void
check_keys(struct entry_reader *r)
{
	const char *kind = kind_keys[r->out->kind];

	for (size_t i = 0; i < r->n->count; i++) {
		const struct node_pair *pair = &r->n->pairs[i];
		unsigned with = kinds_of_key(pair->key);

		if (str_eq(pair->key, kind) || node_is_null(pair->value) ||
		    (with & (1U << r->out->kind)) != 0)
			continue;
		if (with != 0)
			complain(r, pair->key_mark,
			    "`include:%s` does not belong to `%s`", pair->key, kind);
		else
			complain(r, pair->key_mark, "unknown key \"%s\" in `include`%s",
			    pair->key, suggest_name(r->diags, all_keys, pair->key));
	}
}

/* ---- values
 * --------------------------------------------------------------------------*/

/* A text under key, expanded; NULL when there is none, or after a finding. */
static const char *
read_text(struct entry_reader *r, const char *key)
{
	const struct node *value = node_get(r->n, key);

	if (node_is_null(value))
		return NULL;
	if (value->kind != NODE_STRING) {
		complain(r, value->mark, "`include:%s` should be a string, not %s", key,
		    node_kind_name(value->kind));
		return NULL;
	}
	if (str_is_blank(value->text))
		complain(r, value->mark, "`include:%s` can't be blank", key);
	return expanded(r, value->text);
}

static const struct node *
read_node(struct entry_reader *r, const char *key, enum node_kind kind)
{
	const struct node *value = node_get(r->n, key);

	if (node_is_null(value))
		return NULL;
	if (value->kind == kind)
		return value;
	complain(r, value->mark, "`include:%s` should be %s, not %s", key,
	    node_kind_name(kind), node_kind_name(value->kind));
	return NULL;
}

static bool
is_yaml_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	const char *dot = strrchr(name, '.');

	return dot != NULL && dot > name &&
	    (strcasecmp(dot, ".yml") == 0 || strcasecmp(dot, ".yaml") == 0);
}

static void
check_extension(struct entry_reader *r, struct mark at, const char *path)
{
	if (r->vars == NULL && strchr(path, '$') != NULL)
		return; /* nobody knows yet */
	if (!is_yaml_name(path))
		complain(r, at,
		    "included file `%s` does not have YAML extension; its name must end in "
		    ".yml or .yaml",
		    path);
}

/* group/project, or a variable that may hold one */
static bool
is_project_path(const char *path)
{
	const char *slash = strchr(path, '/');

	if (strchr(path, '$') != NULL)
		return true;
	return slash != NULL && slash > path && !str_ends(path, "/") &&
	    strstr(path, "//") == NULL && strpbrk(path, " \t\n#?:") == NULL;
}

static void
add_file(struct entry_reader *r, const struct node *file)
{
	if (!node_is(file, NODE_STRING)) {
		complain(r, file->mark,
		    "`include:file` should be a string or a list of strings, "
		    "but has %s",
		    node_kind_name(file->kind));
		return;
	}
	r->out->files[r->out->file_count] = expanded(r, file->text);
	check_extension(r, file->mark, r->out->files[r->out->file_count]);
	r->out->file_count++;
}

static void
read_project(struct entry_reader *r)
{
	const struct node *project = node_get(r->n, "project");
	const struct node *file = node_get(r->n, "file");

	r->out->project = read_text(r, "project");
	r->out->ref = read_text(r, "ref");
	if (node_is(project, NODE_STRING) && !is_project_path(project->text))
		complain(r, project->mark,
		    "`include:project` should be a path like group/project, not \"%s\"",
		    project->text);
	if (node_is_null(file)) {
		complain(
		    r, r->n->mark, "`include:project` needs `file`: which file of it?");
		return;
	}
	r->out->files = arena_calloc(r->diags->arena,
	    file->kind == NODE_LIST ? file->count + 1 : 1, sizeof(char *));
	if (file->kind != NODE_LIST)
		add_file(r, file);
	else if (file->count == 0)
		complain(r, file->mark, "`include:file` can't be empty");
	else
		for (size_t i = 0; i < file->count; i++)
			add_file(r, file->items[i]);
}

static bool
read_map(struct entry_reader *r, bool header)
{
	struct include_entry *out = r->out;

	if (!read_kind(r, header))
		return false;
	check_keys(r);
	if (out->kind == INCLUDE_PROJECT) {
		read_project(r);
	} else {
		out->location = read_text(r, kind_keys[out->kind]);
		if (out->kind == INCLUDE_LOCAL && out->location != NULL)
			check_extension(r, r->n->mark, out->location);
	}
	out->inputs = read_node(r, "inputs", NODE_MAP);
	out->rules = read_node(r, "rules", NODE_LIST);
	return r->ok;
}

/* A text alone: a local file, or a remote one when it is a URL. */
static bool
read_string(struct entry_reader *r)
{
	struct include_entry *out = r->out;

	out->location = expanded(r, r->n->text);
	if (strncasecmp(out->location, "http://", 7) == 0 ||
	    strncasecmp(out->location, "https://", 8) == 0) {
		out->kind = INCLUDE_REMOTE;
		return true;
	}
	out->kind = INCLUDE_LOCAL;
	if (str_is_blank(r->n->text))
		complain(r, r->n->mark, "`include` can't be blank");
	else
		check_extension(r, r->n->mark, out->location);
	return r->ok;
}

bool
include_entry_read(const struct node *n, bool header, const struct vars *vars,
    struct diags *diags, struct include_entry *out)
{
	struct entry_reader r = {
		.n = n, .vars = vars, .diags = diags, .out = out, .ok = true
	};

	*out = (struct include_entry){ .at = n->mark };
	if (n->kind == NODE_MAP)
		return read_map(&r, header);
	if (n->kind == NODE_STRING)
		return read_string(&r);
	complain(&r, n->mark,
	    "`include` should be a string, a map or a list of those, not %s",
	    node_kind_name(n->kind));
	return false;
}
