/*
 * One file after the other: text, YAML, header and inputs, includes; then, over all of
 * it, extends and references.
 */
#include "pipelines/document.h"

#include <assert.h>

#include "base/hash.h"
#include "base/str.h"
#include "pipelines/config_read.h"
#include "pipelines/extends.h"
#include "pipelines/inputs.h"
#include "pipelines/interpolate.h"
#include "pipelines/loader.h"
#include "pipelines/merge.h"
#include "pipelines/reference.h"
#include "pipelines/suggest.h"

bool
document_is_keyword(const char *key)
{
	enum keyword k = keyword_find(key);

	return k != KW_NONE && (keywords[k].where & IN_TOP) != 0;
}

/* ---- sources
 * -------------------------------------------------------------------------*/

const char *
source_name(struct loader *l, const struct source *s)
{
	if (s->project == NULL)
		return s->path;
	if (s->ref == NULL)
		return arena_printf(l->arena, "%s:%s", s->project, s->path);
	return arena_printf(l->arena, "%s@%s:%s", s->project, s->ref, s->path);
}

void
loader_missing(struct loader *l, struct mark at, const char *fmt, ...)
{
	cleanup_free char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	msg = xvasprintf(fmt, ap);
	va_end(ap);
	l->incomplete = true;
	diag_error(l->diags, DIAG_INCLUDE, at, NULL, "%s", msg);
}

/* Where findings about a file as a whole stand: at its include, or at the main file. */
static struct mark
mark_of(const struct source *s)
{
	return s->parent != NULL ? s->at : (struct mark){ s->path, 0, 0 };
}

/* "; did you mean `x`?" for a local file that is not there. */
static const char *
near_file(struct loader *l, const struct source *s)
{
	const struct provider *provider = l->options->provider;
	const struct strlist *files = NULL;
	cleanup_free const char **names = NULL;

	if (provider->files == NULL ||
	    provider->files(provider->data, s->project, s->ref, &files, NULL) < 0)
		return "";
	names = xcalloc(files->count + 1, sizeof(const char *));
	for (size_t i = 0; i < files->count; i++)
		names[i] = files->items[i];
	return suggest_name(l->diags, names, s->path);
}

static void
report_unreadable(struct loader *l, const struct source *s, const struct error *err)
{
	struct mark at = mark_of(s);

	if (err->code == ERR_LIMIT)
		loader_missing(l, at,
		    "`%s` is larger than %zu MB, the most a file may have",
		    source_name(l, s), DOCUMENT_MAX_BYTES / 1024 / 1024);
	else if (err->code != ERR_MISSING)
		loader_missing(l, at, "%s", err->msg);
	else if (s->parent == NULL)
		loader_missing(l, at, "there is no such file");
	else if (s->project != NULL)
		loader_missing(l, at, "project `%s` file `%s` does not exist!%s",
		    s->project, s->path, near_file(l, s));
	else
		loader_missing(
		    l, at, "local file `%s` does not exist!%s", s->path, near_file(l, s));
}

static void
record(struct loader *l, const char *name, const struct buf *text)
{
	char hex[HASH_SHA256_HEX];

	hash_sha256_hex(buf_str(text), text->len, hex);
	ARENA_GROW(l->arena, l->files, l->file_count, l->file_cap);
	l->files[l->file_count++] =
	    (struct document_file){ name, arena_strdup(l->arena, hex) };
}

const char *
source_read(struct loader *l, const struct source *s, size_t *len)
{
	const struct provider *provider = l->options->provider;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	if (l->file_count > DOCUMENT_MAX_FILES) {
		l->stopped = true;
		loader_missing(l, s->at, "maximum of %d nested includes are allowed!",
		    DOCUMENT_MAX_FILES);
		return NULL;
	}
	if (provider->read(provider->data, s->project, s->ref, s->path,
		DOCUMENT_MAX_BYTES, &text, &err) < 0) {
		report_unreadable(l, s, &err);
		return NULL;
	}
	record(l, source_name(l, s), &text);
	*len = text.len;
	return arena_strndup(l->arena, buf_str(&text), text.len);
}

/* ---- header and body
 * -----------------------------------------------------------------*/

struct parts {
	bool has_header, header_is_right;
	const struct node *spec; /* of the header */
	struct node *body;
};

static bool
check_header(struct loader *l, const struct node *header)
{
	const struct node *spec = node_get(header, "spec");
	size_t errors = l->diags->errors;
	struct reader reader;

	assert(header != NULL);
	for (size_t i = 0; i < header->count; i++)
		if (!str_eq(header->pairs[i].key, "spec"))
			diag_error(l->diags, DIAG_SHAPE, header->pairs[i].key_mark, NULL,
			    "the header, above `---`, holds only `spec`; \"%s\" belongs below",
			    header->pairs[i].key);
	if (node_is_null(spec))
		return l->diags->errors == errors;
	value_reader_init(&reader, l->arena, l->diags, l->options->shape_only);
	value_enter(&reader, "spec");
	config_check_spec(&reader, spec, NULL, NULL);
	value_reader_clear(&reader);
	return l->diags->errors == errors;
}

/* Which document is what. Empty ones count for nothing. */
static void
split_documents(
    struct loader *l, struct node **documents, size_t count, struct parts *out)
{
	struct node *kept[2] = { NULL, NULL };
	size_t n = 0;

	*out = (struct parts){ .has_header = false };
	for (size_t i = 0; i < count; i++) {
		if (node_is_null(documents[i]))
			continue;
		if (n == 2) {
			diag_error(l->diags, DIAG_SYNTAX, documents[i]->mark, NULL,
			    "too many documents: a file is a header, `---` and a body at most");
			break;
		}
		kept[n++] = documents[i];
	}
	if (count > 1 && node_get_pair(kept[0], "spec") != NULL) {
		assert(kept[0] != NULL);
		out->has_header = true;
		out->header_is_right = check_header(l, kept[0]);
		out->spec = node_get(kept[0], "spec");
		out->body = n > 1 ? kept[1] : node_new(l->arena, NODE_MAP, kept[0]->mark);
		return;
	}
	out->body = kept[0];
	if (n > 1)
		diag_warning(l->diags, DIAG_SYNTAX, kept[1]->mark, NULL,
		    "this second document is ignored: the first is no header, it has no `spec`");
}

/* A block in a file without a header stays as it is, which is rarely meant. */
static void
warn_of_blocks(struct loader *l, const char *name, const char *text)
{
	const char *block = strstr(text, "$[[ inputs.");
	struct mark at = { name, 1, 1 };

	if (block == NULL)
		return;
	for (const char *p = text; p < block; p++, at.col++)
		if (*p == '\n') {
			at.line++;
			at.col = 0;
		}
	diag_warning(l->diags, DIAG_LOGIC, at, NULL,
	    "`$[[ inputs… ]]` stays as it is: this file has no `spec:inputs` header");
}

static struct node *
interpolate_body(struct loader *l, const struct source *s, const struct parts *parts)
{
	const struct node *spec_inputs = include_load_inputs(l, s, parts->spec);
	struct inputs_request request = { .spec = spec_inputs,
		.given = s->parent == NULL ? l->options->inputs : s->inputs,
		.at = mark_of(s),
		.is_unasked = s->parent == NULL && l->options->is_unasked };
	struct node *context = node_new(l->arena, NODE_MAP, mark_of(s));
	struct interpolation in = {
		.context = context, .vars = l->vars, .arena = l->arena, .diags = l->diags
	};
	struct node *values;

	if (s->parent == NULL)
		l->inputs = spec_inputs;
	if (request.given != NULL && request.given->mark.file != NULL)
		request.at = request.given->mark;
	values = inputs_resolve(&request, l->arena, l->diags);
	if (values == NULL)
		return NULL;
	node_set(l->arena, context, "inputs", values->mark, values);
	return interpolate_node(&in, parts->body);
}

static struct node *
apply_inputs(struct loader *l, const struct source *s, const struct parts *parts)
{
	const struct node *given = s->parent == NULL ? l->options->inputs : s->inputs;

	if (parts->has_header && !parts->header_is_right)
		return NULL;
	if (parts->has_header)
		return l->options->shape_only ? parts->body
					      : interpolate_body(l, s, parts);
	if (given == NULL || given->count == 0)
		return parts->body;
	diag_error(l->diags, DIAG_LOGIC, given->mark, NULL,
	    "given inputs not defined in the `spec` section of `%s`: it has no `spec:inputs` "
	    "header",
	    source_name(l, s));
	return NULL;
}

/* ---- files
 * ---------------------------------------------------------------------------*/

static struct node *
without_include(struct loader *l, const struct node *body)
{
	struct node *copy = node_new(l->arena, NODE_MAP, body->mark);

	for (size_t i = 0; i < body->count; i++)
		if (!str_eq(body->pairs[i].key, "include"))
			node_set(l->arena, copy, body->pairs[i].key,
			    body->pairs[i].key_mark, body->pairs[i].value);
	return copy;
}

static struct node *
add_includes(struct loader *l, const struct source *s, struct node *body)
{
	const struct node *include = node_get(body, "include");
	struct node *own, *under;

	if (node_get_pair(body, "include") == NULL)
		return body;
	own = without_include(l, body);
	under = include_load(l, s, include);
	if (under == NULL)
		return own;
	merge_into(&l->merge, under, own);
	under->mark = own->mark;
	return under;
}

static bool
check_body(struct loader *l, const struct source *s, const struct node *body)
{
	if (node_is_null(body)) {
		if (s->parent == NULL)
			diag_error(l->diags, DIAG_LOGIC, mark_of(s), NULL,
			    "please provide content of %s: it is empty", s->path);
		else
			loader_missing(
			    l, s->at, "included file `%s` is empty", source_name(l, s));
		return false;
	}
	if (body->kind != NODE_MAP) {
		diag_error(l->diags, DIAG_SHAPE, body->mark, NULL,
		    "a pipeline file should be a map of keywords and jobs, not %s",
		    node_kind_name(body->kind));
		return false;
	}
	l->weight += body->weight;
	if (l->weight <= DOCUMENT_MAX_NODES)
		return true;
	l->stopped = true;
	diag_error(l->diags, DIAG_SYNTAX, body->mark, NULL,
	    "the pipeline's files together have more than %zu values",
	    DOCUMENT_MAX_NODES);
	return false;
}

struct node *
loader_read_file(struct loader *l, const struct source *s)
{
	struct node **documents;
	struct parts parts;
	struct node *body;
	size_t len, count;
	const char *text = source_read(l, s, &len);
	const char *name = source_name(l, s);

	if (text == NULL ||
	    yaml_parse(text, len, name, l->arena, l->diags, &documents, &count) < 0)
		return NULL;
	split_documents(l, documents, count, &parts);
	if (!parts.has_header)
		warn_of_blocks(l, name, text);
	if (!check_body(l, s, parts.body))
		return NULL;
	body = apply_inputs(l, s, &parts);
	if (body == NULL)
		return NULL;
	return add_includes(l, s, body);
}

int
document_load(const struct document_options *options, struct arena *arena,
    struct diags *diags, struct document *out)
{
	struct vars empty = { 0 };
	struct loader l = { .options = options,
		.vars = options->vars != NULL ? options->vars : &empty,
		.arena = arena,
		.diags = diags,
		.merge = { .arena = arena } };
	struct source main_file = { .path = options->path };
	struct node *root;

	vars_init(&empty, arena, NULL);
	root = loader_read_file(&l, &main_file);
	*out = (struct document){ .inputs = l.inputs };
	if (root == NULL)
		return ERR_INVALID;
	if (!options->shape_only) {
		root = node_copy(arena, root); /* what extends may change */
		if (extends_resolve(root, l.incomplete, arena, diags) < 0)
			return ERR_LIMIT;
		root = reference_resolve(root, l.incomplete, arena, diags);
		if (root == NULL)
			return ERR_LIMIT;
	}
	*out = (struct document){ .root = root,
		.files = l.files,
		.file_count = l.file_count,
		.incomplete = l.incomplete,
		.inputs = l.inputs };
	return 0;
}
