/*
 * The plan's identity: canonical JSON, and its SHA-256. Keys are sorted, and nothing is
 * in it that differs between machines, runs or people: no ids, times, tokens, addresses,
 * no value of a masked variable. What such values are put into (tags, image …) is in by
 * the document, as written.
 */
#include <stdio.h>

#include "base/hash.h"
#include "base/json_writer.h"
#include "pipelines/plan.h"

/* ---- the merged document ---------------------------------------------------------- */

/* "s3:abc", with what kind it is before and the length, so that no text can look like
 * two. */
static void
hash_text(struct hash *h, char kind, const char *text)
{
	char head[32];
	size_t len = strlen(text);
	int n = snprintf(head, sizeof(head), "%c%zu:", kind, len);

	hash_add(h, head, (size_t)n);
	hash_add(h, text, len);
}

static void
hash_count(struct hash *h, char kind, size_t count)
{
	char head[32];
	int n = snprintf(head, sizeof(head), "%c%zu:", kind, count);

	hash_add(h, head, (size_t)n);
}

/* Keys stay in the order of the files: that of jobs has a meaning. */
static void
hash_node(struct hash *h, const struct node *n)
{
	static const char kinds[] = {
		[NODE_NULL] = 'n',
		[NODE_BOOL] = 'b',
		[NODE_INT] = 'i',
		[NODE_FLOAT] = 'f',
		[NODE_STRING] = 's',
		[NODE_LIST] = 'l',
		[NODE_MAP] = 'm',
		[NODE_REFERENCE] = 'r',
	};

	if (node_is_scalar(n)) {
		hash_text(h, kinds[n->kind], n->text);
		return;
	}
	hash_count(h, n == NULL ? 'n' : kinds[n->kind], n == NULL ? 0 : n->count);
	for (size_t i = 0; n != NULL && i < n->count; i++) {
		if (n->kind == NODE_MAP)
			hash_text(h, 'k', n->pairs[i].key);
		hash_node(h, n->kind == NODE_MAP ? n->pairs[i].value : n->items[i]);
	}
}

static void
put_document(struct json_writer *w, const struct plan *plan)
{
	char hex[HASH_SHA256_HEX];
	struct hash h;

	hash_init(&h);
	hash_node(&h, plan->config->root);
	hash_end_hex(&h, hex);
	json_put_string(w, "document", hex);
}

static void
put_files(struct json_writer *w, const struct plan *plan)
{
	json_key(w, "files");
	json_begin_array(w);
	for (size_t i = 0; i < plan->file_count; i++) {
		json_begin_object(w);
		json_put_string(w, "path", plan->files[i].path);
		json_put_string(w, "sha256", plan->files[i].sha256);
		json_end_object(w);
	}
	json_end_array(w);
}

/* ---- variables -------------------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
	const struct var *x = *(const struct var *const *)a;
	const struct var *y = *(const struct var *const *)b;

	return strcmp(x->name, y->name);
}

static const char *
level_name(enum var_level level)
{
	static const char *const level_names[] = {
		[VAR_PREDEFINED] = "predefined",
		[VAR_YAML] = "yaml",
		[VAR_WORKFLOW] = "workflow",
		[VAR_JOB] = "job",
		[VAR_MATRIX] = "matrix",
		[VAR_RULE] = "rule",
		[VAR_DOTENV] = "dotenv",
		[VAR_INSTANCE] = "instance",
		[VAR_GROUP] = "group",
		[VAR_PROJECT] = "project",
		[VAR_PIPELINE] = "pipeline",
	};

	return level_names[level];
}

/* What comes from people, not from the machine; sorted by name. */
static void
put_variables(struct json_writer *w, const struct var **vars, size_t count)
{
	if (count > 1)
		qsort(vars, count, sizeof(const struct var *), compare_names);
	json_key(w, "variables");
	json_begin_object(w);
	for (size_t i = 0; i < count; i++) {
		const struct var *var = vars[i];

		if (var->level == VAR_PREDEFINED)
			continue;
		json_key(w, var->name);
		json_begin_object(w);
		json_put_bool(w, "file", var->file);
		json_put_string(w, "level", level_name(var->level));
		json_put_bool(w, "raw", var->raw);
		json_put_string(w, "value", var->masked ? NULL : var->value);
		json_end_object(w);
	}
	json_end_object(w);
}

static void
put_pipeline_variables(struct json_writer *w, const struct plan *plan)
{
	struct arena *scratch = arena_new();
	const struct var **vars;
	size_t count = vars_all(&plan->vars, scratch, &vars);

	put_variables(w, vars, count);
	arena_free(scratch);
}

/* Those of the job's own scope, the definition that counts there. */
static void
put_job_variables(struct json_writer *w, const struct plan_job *job)
{
	const struct vars *scope = &job->vars;
	cleanup_free const struct var **vars = xcalloc(scope->count + 1, sizeof(*vars));
	size_t count = 0;

	for (size_t i = 0; i < scope->count; i++)
		if (vars_get(scope, scope->items[i].name) == &scope->items[i])
			vars[count++] = &scope->items[i];
	put_variables(w, vars, count);
}

/* ---- decisions -------------------------------------------------------------------- */

static void
put_allow_failure(struct json_writer *w, const struct allow_failure *allow)
{
	json_key(w, "allow_failure");
	json_begin_object(w);
	json_put_bool(w, "allowed", allow->allowed);
	json_key(w, "exit_codes");
	json_begin_array(w);
	for (size_t i = 0; i < allow->exit_codes.count; i++)
		json_add_int(w, allow->exit_codes.items[i]);
	json_end_array(w);
	json_end_object(w);
}

static void
put_needs(struct json_writer *w, const struct plan *plan, const struct plan_job *job)
{
	json_key(w, "needs");
	if (!job->has_needs) {
		json_add_null(w);
		return;
	}
	json_begin_array(w);
	for (size_t i = 0; i < job->need_count; i++) {
		json_begin_object(w);
		json_put_bool(w, "artifacts", job->needs[i].artifacts);
		json_put_string(w, "job", plan->jobs[job->needs[i].job].name);
		json_put_bool(w, "optional", job->needs[i].optional);
		json_end_object(w);
	}
	json_end_array(w);
}

static void
put_why(struct json_writer *w, const struct why *why)
{
	json_key(w, "why");
	json_begin_object(w);
	json_put_string(w, "code", why_code_name(why->code));
	json_put_int(w, "rule", why->rule);
	json_end_object(w);
}

static void
put_job(struct json_writer *w, const struct plan *plan, const struct plan_job *job)
{
	json_begin_object(w);
	put_allow_failure(w, &job->allow_failure);
	json_put_bool(w, "created", job->created);
	json_put_bool(w, "interruptible", job->interruptible);
	json_put_string(w, "name", job->name);
	put_needs(w, plan, job);
	json_put_string(w, "stage", job->stage);
	json_put_int(w, "start_in", job->start_in_s);
	put_job_variables(w, job);
	json_put_string(w, "when", job_when_name(job->when));
	put_why(w, &job->why);
	json_end_object(w);
}

static void
put_event(struct json_writer *w, const struct plan *plan)
{
	json_put_string(w, "commit", vars_value(&plan->event_vars, "CI_COMMIT_SHA"));
	json_put_bool(w, "created", plan->created);
	put_document(w, plan);
	json_key(w, "event");
	json_begin_object(w);
	json_put_bool(w, "is_tag", plan->event.is_tag);
	json_put_string(w, "ref", plan->event.ref);
	json_put_string(w, "source", plan->event.source);
	json_end_object(w);
}

void
plan_canonical_json(const struct plan *plan, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_key(&w, "auto_cancel");
	json_begin_object(&w);
	json_put_string(&w, "on_job_failure", plan->auto_cancel.on_job_failure);
	json_put_string(&w, "on_new_commit", plan->auto_cancel.on_new_commit);
	json_end_object(&w);
	put_event(&w, plan);
	put_files(&w, plan);
	json_key(&w, "jobs");
	json_begin_array(&w);
	for (size_t i = 0; i < plan->job_count; i++)
		put_job(&w, plan, &plan->jobs[i]);
	json_end_array(&w);
	json_key(&w, "stages");
	json_begin_array(&w);
	for (size_t i = 0; i < plan->stages.count; i++)
		json_add_string(&w, plan->stages.items[i]);
	json_end_array(&w);
	json_put_int(&w, "v", PLAN_VERSION);
	put_pipeline_variables(&w, plan);
	put_why(&w, &plan->why);
	json_end_object(&w);
}

void
plan_hash(const struct plan *plan, char out[PLAN_HASH_SIZE])
{
	cleanup_buf struct buf text = BUF_INIT;

	plan_canonical_json(plan, &text);
	hash_sha256_hex(buf_str(&text), text.len, out);
}
