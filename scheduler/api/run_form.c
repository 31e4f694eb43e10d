/*
 * What to ask a person who runs a pipeline by hand: spec:inputs and the variables with a
 * description of the file at a ref. GET …/form?ref=.
 */
#include "base/json_writer.h"
#include "base/str.h"
#include "pipelines/node_json.h"
#include "scheduler/api/listing.h"
#include "scheduler/api/trial.h"

/* A default that is no more than that is shown. */
#define MAX_DEPTH 12
#define MAX_WEIGHT 10000

struct run_form {
	struct trial trial; /* first */
	struct buf inputs, variables;
	struct strlist errors;
	bool has_file;
};

static void
on_finding(const struct diag *d, void *data)
{
	struct run_form *f = data;
	cleanup_buf struct buf text = BUF_INIT;

	if (d->severity != DIAG_ERROR)
		return;
	diag_format(d, &text);
	strlist_add(&f->errors, buf_str(&text));
}

static void
put_node(struct json_writer *w, const char *key, const struct node *n)
{
	json_key(w, key);
	if (n == NULL || n->depth > MAX_DEPTH || n->weight > MAX_WEIGHT)
		json_add_null(w);
	else
		node_json(w, n);
}

static void
put_text(struct json_writer *w, const char *key, const struct node *n)
{
	json_put_string(w, key, node_is_scalar(n) && !node_is_null(n) ? n->text : NULL);
}

/* With rules, what may be given depends on the others: only the compiler can say. */
static void
put_input(struct json_writer *w, const struct node_pair *pair)
{
	const struct node *spec = pair->value, *type = node_get(spec, "type");
	bool by_rules = node_get(spec, "rules") != NULL;

	json_begin_object(w);
	json_put_string(w, "name", pair->key);
	json_put_string(w, "type", node_is(type, NODE_STRING) ? type->text : "string");
	put_text(w, "description", node_get(spec, "description"));
	put_node(w, "default", node_get(spec, "default"));
	put_node(w, "options", node_get(spec, "options"));
	put_text(w, "regex", node_get(spec, "regex"));
	json_put_bool(w, "required", !by_rules && node_get_pair(spec, "default") == NULL);
	json_put_bool(w, "by_rules", by_rules);
	json_end_object(w);
}

/* As in GitLab's form: those that say what they are for. */
static void
put_variable(struct json_writer *w, const struct node_pair *pair)
{
	const struct node *v = pair->value;

	if (!node_is(v, NODE_MAP) || node_get(v, "description") == NULL)
		return;
	json_begin_object(w);
	json_put_string(w, "key", pair->key);
	put_text(w, "value", node_get(v, "value"));
	put_text(w, "description", node_get(v, "description"));
	put_node(w, "options", node_get(v, "options"));
	json_end_object(w);
}

static void
put_each(struct buf *out, const struct node *map,
    void (*put)(struct json_writer *w, const struct node_pair *pair))
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_array(&w);
	for (size_t i = 0; node_is(map, NODE_MAP) && i < map->count; i++)
		put(&w, &map->pairs[i]);
	json_end_array(&w);
}

static void
on_document(const struct document *document, void *data)
{
	struct run_form *f = data;

	put_each(&f->inputs, document->inputs, put_input);
	put_each(&f->variables, node_get(document->root, "variables"), put_variable);
}

static void
judge(struct trial *t, const struct compilation *c)
{
	((struct run_form *)t)->has_file = !c->no_file;
}

static void
put_list(struct json_writer *w, const char *key, const struct buf *json)
{
	json_key(w, key);
	json_add_raw(w, json->len > 0 ? buf_str(json) : "[]");
}

static void
write_answer(const struct run_form *f, struct buf *out)
{
	const struct event *e = &f->trial.recipe->event;
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_string(&w, "ref", e->ref);
	json_put_bool(&w, "tag", e->is_tag);
	json_put_string(&w, "sha", e->sha);
	json_put_bool(&w, "has_file", f->has_file);
	put_list(&w, "inputs", &f->inputs);
	put_list(&w, "variables", &f->variables);
	json_key(&w, "errors");
	json_begin_array(&w);
	for (size_t i = 0; i < f->errors.count; i++)
		json_add_string(&w, f->errors.items[i]);
	json_end_array(&w);
	json_end_object(&w);
}

static void
finish(struct trial *t, const struct error *err)
{
	struct run_form *f = (struct run_form *)t;
	cleanup_buf struct buf json = BUF_INIT;

	if (err->code == 0) {
		write_answer(f, &json);
		api_json(t->call, 200, &json);
	}
	strlist_clear(&f->errors);
	buf_clear(&f->inputs);
	buf_clear(&f->variables);
}

static void
get_form(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct run_form *f;

	if (p == NULL)
		return;
	f = arena_alloc(c->arena, sizeof(*f));
	*f = (struct run_form){
		.trial = { .call = c,
		    .ref = query_text(c, "ref"),
		    .source = "web",
		    .needs_ref = true,
		    .is_unasked = true,
		    .only_checks = true,
		    .watch = { .on_finding = on_finding, .on_document = on_document },
		    .judge = judge,
		    .finish = finish }
	};
	trial_start(&f->trial, p);
}

const struct api_route api_run_form_routes[] = {
	{ "GET", "/api/pawl/v1/projects/:id/form", API_READ, get_form },
	{ NULL },
};
