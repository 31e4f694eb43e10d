/*
 * Step 8: `parallel` makes several jobs of one. Needs and dependencies on such a job
 * become ones on its instances, all or those that needs:parallel:matrix selects. A job
 * written with an instance's exact name stands in its place.
 */
#include "base/str.h"
#include "pipelines/config_build.h"
#include "pipelines/config_read.h"

#define MAX_BYTES ((size_t)256 << 20) /* of lists; only a hostile file gets there */

/* in the memo, beside the keywords */
enum { EXPANDED_NEEDS = KW_COUNT, EXPANDED_DEPENDENCIES };

static bool
is_parallel(const struct job_draft *draft)
{
	return draft->parallel.total > 0 || draft->parallel.row_count > 0;
}

static size_t
instance_count(const struct job_draft *draft)
{
	if (draft->parallel.row_count > 0)
		return draft->parallel.row_count;
	return draft->parallel.total > 0 ? (size_t)draft->parallel.total : 1;
}

/* `NAME: [v1, v2]` */
static const char *
matrix_name(struct arena *a, const char *base, const struct config_vars *row)
{
	cleanup_buf struct buf name = BUF_INIT;

	buf_printf(&name, "%s: [", base);
	for (size_t i = 0; i < row->count; i++)
		buf_printf(&name, "%s%s", i > 0 ? ", " : "", row->items[i].value);
	buf_add_char(&name, ']');
	return arena_strndup(a, buf_str(&name), name.len);
}

/* The names a parallel job's instances have, made once. */
static const struct strs *
instance_names(struct config_builder *b, struct job_draft *draft)
{
	size_t count = instance_count(draft);

	if (draft->instances.count > 0 || !is_parallel(draft))
		return &draft->instances;
	draft->instances.items =
	    arena_calloc(b->arena, count, sizeof(*draft->instances.items));
	for (size_t i = 0; i < count; i++) {
		const char *name = draft->parallel.row_count > 0
		    ? matrix_name(b->arena, draft->job.name, &draft->parallel.rows[i])
		    : arena_printf(b->arena, "%s %zu/%zu", draft->job.name, i + 1, count);

		draft->instances.items[i] = name;
		map_set(&b->instances, name, draft);
	}
	draft->instances.count = count;
	return &draft->instances;
}

struct need_builder {
	struct config_builder *b;
	const struct config_vars *row; /* of the job that needs; NULL: no matrix */
	struct needs *out;
	size_t cap, wanted; /* those above the limit are only counted */
};

static void
add_need(struct need_builder *nb, const struct need *need, const char *name)
{
	struct needs *out = nb->out;

	if (nb->wanted++ >= CONFIG_MAX_NEEDS)
		return;
	ARENA_GROW(nb->b->arena, out->items, out->count, nb->cap);
	out->items[out->count] = *need;
	out->items[out->count].job = name;
	out->items[out->count++].matrix = NULL;
}

static const char *
row_value(const struct config_vars *row, const char *key, size_t len)
{
	for (size_t i = 0; row != NULL && i < row->count; i++)
		if (strlen(row->items[i].name) == len &&
		    memcmp(row->items[i].name, key, len) == 0)
			return row->items[i].value;
	return NULL;
}

/* `$[[ matrix.KEY ]]` in a value is the needing job's own; unknown ones stay. */
static const char *
replace_matrix(struct need_builder *nb, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;
	const char *open;

	if (strstr(text, "$[[") == NULL)
		return text;
	while ((open = strstr(text, "$[[")) != NULL) {
		const char *key = open + 3 + strspn(open + 3, " ");
		size_t len = 0;
		const char *value = NULL;

		if (str_starts(key, "matrix.")) {
			key += strlen("matrix.");
			len = strcspn(key, " ]");
			value = row_value(nb->row, key, len);
		}
		if (value == NULL ||
		    !str_starts(key + len + strspn(key + len, " "), "]]")) {
			buf_add(&out, text, (size_t)(open + 3 - text));
			text = open + 3;
			continue;
		}
		buf_add(&out, text, (size_t)(open - text));
		buf_add_str(&out, value);
		text = strstr(key, "]]") + 2;
	}
	buf_add_str(&out, text);
	return arena_strdup(nb->b->arena, buf_str(&out));
}

static void
add_selected(
    struct need_builder *nb, const struct need *need, const struct job_draft *target)
{
	struct config_builder *b = nb->b;
	struct parallel rows = { 0 };

	config_read_matrix(&b->reader, need->matrix, NULL, &rows);
	for (size_t i = 0; i < rows.row_count; i++) {
		struct config_vars *row = &rows.rows[i];
		const char *name;

		if (nb->wanted > CONFIG_MAX_NEEDS) { /* is an error anyway */
			nb->wanted += rows.row_count - i;
			return;
		}
		for (size_t k = 0; k < row->count; k++)
			row->items[k].value = replace_matrix(nb, row->items[k].value);
		name = matrix_name(b->arena, need->job, row);
		if (map_get(&b->instances, name) == target)
			add_need(nb, need, name);
		else if (!need->optional)
			config_logic_error(b, need->at,
			    "`needs` selects \"%s\", which `parallel` of \"%s\" does not "
			    "make; give its keys in the same order and values it has",
			    name, need->job);
	}
}

static void
expand_need(struct need_builder *nb, const struct need *need)
{
	struct job_draft *target =
	    need->job == NULL || need->pipeline != NULL || need->project != NULL
	    ? NULL
	    : map_get(&nb->b->written, need->job);
	const struct strs *names;

	if (target == NULL || !is_parallel(target)) {
		if (target != NULL && need->matrix != NULL)
			config_logic_error(nb->b, need->at,
			    "`needs` selects instances of \"%s\", which has no `parallel`",
			    need->job);
		add_need(nb, need, need->job);
		return;
	}
	names = instance_names(nb->b, target);
	if (need->matrix != NULL) {
		add_selected(nb, need, target);
		return;
	}
	for (size_t i = 0; i < names->count; i++)
		add_need(nb, need, names->items[i]);
}

static bool
names_parallel(struct config_builder *b, const struct needs *needs)
{
	for (size_t i = 0; i < needs->count; i++) {
		const struct need *need = &needs->items[i];
		const struct job_draft *target =
		    need->job != NULL ? map_get(&b->written, need->job) : NULL;

		if (need->matrix != NULL || (target != NULL && is_parallel(target)))
			return true;
	}
	return false;
}

/* Whether the selection depends on which instance asks. */
static bool
mentions_matrix(const struct node *n)
{
	if (node_is(n, NODE_STRING))
		return strstr(n->text, "$[[") != NULL;
	for (size_t i = 0; n != NULL && i < n->count; i++)
		if (mentions_matrix(
			n->kind == NODE_MAP ? n->pairs[i].value : n->items[i]))
			return true;
	return false;
}

static bool
varies(const struct needs *needs)
{
	for (size_t i = 0; i < needs->count; i++)
		if (mentions_matrix(needs->items[i].matrix))
			return true;
	return false;
}

/* Jobs that share the list as written share what becomes of it. */
static void
expand_needs(struct config_builder *b, const struct config_vars *row, struct needs *needs)
{
	struct needs expanded = { .present = needs->present };
	struct need_builder nb = { .b = b, .row = row, .out = &expanded };
	const struct needs *known =
	    row == NULL ? memo_get(&b->memo, needs->items, EXPANDED_NEEDS) : NULL;

	if (known != NULL) {
		*needs = *known;
		return;
	}
	if (!names_parallel(b, needs))
		return;
	for (size_t i = 0; i < needs->count; i++)
		expand_need(&nb, &needs->items[i]);
	if (nb.wanted > CONFIG_MAX_NEEDS)
		config_too_many_needs(b, needs->items[0].at, nb.wanted);
	if (row == NULL)
		memo_set(&b->memo, needs->items, EXPANDED_NEEDS,
		    arena_memdup(b->arena, &expanded, sizeof(expanded)));
	*needs = expanded;
}

/* Rules are shared between jobs: those with needs that change are copied first. */
static void
expand_rule_needs(
    struct config_builder *b, const struct config_vars *row, struct rules *rules)
{
	bool copied = false;

	for (size_t i = 0; i < rules->count; i++) {
		if (!names_parallel(b, &rules->items[i].needs))
			continue;
		if (!copied)
			rules->items = arena_memdup(
			    b->arena, rules->items, rules->count * sizeof(*rules->items));
		copied = true;
		expand_needs(b, row, &rules->items[i].needs);
	}
}

static bool
rules_vary(const struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (varies(&rules->items[i].needs))
			return true;
	return false;
}

static struct strs
expand_names(struct config_builder *b, const struct strs *names)
{
	struct strs expanded = { 0 };
	struct strs_builder sb = { .strs = &expanded };

	for (size_t i = 0; i < names->count; i++) {
		struct job_draft *target = map_get(&b->written, names->items[i]);
		const struct strs *instances;

		if (target == NULL || !is_parallel(target)) {
			value_strs_add(b->arena, &sb, names->items[i]);
			continue;
		}
		instances = instance_names(b, target);
		for (size_t k = 0; k < instances->count; k++)
			if (arena_used(b->arena) < b->arena_limit)
				value_strs_add(b->arena, &sb, instances->items[k]);
	}
	return expanded;
}

static void
expand_dependencies(struct config_builder *b, struct strs *names)
{
	struct strs *known;
	struct strs expanded;

	if (names->count == 0)
		return;
	known = memo_get(&b->memo, names->items, EXPANDED_DEPENDENCIES);
	if (known == NULL) {
		expanded = expand_names(b, names);
		known = arena_memdup(b->arena, &expanded, sizeof(expanded));
		memo_set(&b->memo, names->items, EXPANDED_DEPENDENCIES, known);
	}
	*names = *known;
}

/* Where the job of that name goes: a name made twice keeps its first place. */
static struct job_config *
place_for(struct config_builder *b, const char *name)
{
	struct job_config *job = map_get(&b->jobs, name);

	if (job == NULL) {
		job = &b->config->jobs[b->config->job_count++];
		map_set(&b->jobs, name, job);
	}
	return job;
}

static void
emit_instances(struct config_builder *b, struct job_draft *draft)
{
	const struct strs *names = instance_names(b, draft);
	bool each = varies(&draft->job.needs) || rules_vary(&draft->job.rules);
	struct job_config shared = draft->job;

	if (!each) {
		expand_needs(b, NULL, &shared.needs);
		expand_rule_needs(b, NULL, &shared.rules);
	}
	for (size_t i = 0; i < names->count; i++) {
		struct job_config job = shared;

		if (map_has(&b->written, names->items[i]))
			continue;
		if (draft->parallel.row_count > 0)
			job.matrix = draft->parallel.rows[i];
		if (each) {
			expand_needs(b, &job.matrix, &job.needs);
			expand_rule_needs(b, &job.matrix, &job.rules);
		}
		job.name = names->items[i];
		job.node_index = (int)i + 1;
		job.node_total = (int)names->count;
		*place_for(b, job.name) = job;
	}
}

static void
emit_job(struct config_builder *b, struct job_draft *draft)
{
	b->reader.job = draft->job.name;
	expand_dependencies(b, &draft->job.dependencies);
	if (is_parallel(draft)) {
		emit_instances(b, draft);
	} else {
		expand_needs(b, NULL, &draft->job.needs);
		expand_rule_needs(b, NULL, &draft->job.rules);
		*place_for(b, draft->job.name) = draft->job;
	}
	b->reader.job = NULL;
}

bool
config_expand_jobs(struct config_builder *b)
{
	size_t total = 0;

	for (size_t i = 0; i < b->draft_count; i++)
		total += instance_count(b->drafts[i]);
	if (total > CONFIG_MAX_JOBS) {
		value_report(&b->reader, DIAG_ERROR, DIAG_SHAPE, b->drafts[0]->job.at,
		    "the pipeline has %zu jobs, at most %d are allowed", total,
		    CONFIG_MAX_JOBS);
		return false;
	}
	b->config->jobs = arena_calloc(b->arena, total, sizeof(*b->config->jobs));
	b->arena_limit = arena_used(b->arena) + MAX_BYTES;
	for (size_t i = 0; i < b->draft_count; i++)
		emit_job(b, b->drafts[i]);
	if (arena_used(b->arena) < b->arena_limit)
		return true;
	value_report(&b->reader, DIAG_ERROR, DIAG_SHAPE, b->config->root->mark,
	    "`needs` and `dependencies` on parallel jobs are more than can be kept in memory");
	return false;
}
