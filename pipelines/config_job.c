/*
 * One job as written: its keywords by the table, what they must not be together, and the
 * defaults it lacks. What is shared by address (extends, aliases) is read once.
 */
#include "base/str.h"
#include "pipelines/config_build.h"
#include "pipelines/config_read.h"

/* Read n as keyword k into its place in the draft. */
static void
read_value(struct config_builder *b, enum keyword k, const struct node *n,
    struct job_draft *draft)
{
	const struct keyword_row *row = &keywords[k];
	_Alignas(max_align_t) unsigned char unkept[64] = { 0 };
	bool kept = row->offset != VALUE_NOWHERE, shared = n->count > 0 && kept;
	void *target = kept ? (char *)draft + row->offset : (void *)unkept;
	const void *known = shared ? memo_get(&b->memo, n, k) : NULL;

	if (known != NULL) {
		memcpy(target, known, row->size);
		return;
	}
	row->read(&b->reader, n, row->arg, target);
	if (shared)
		memo_set(&b->memo, n, k, arena_memdup(b->arena, target, row->size));
}

static void
read_keyword(struct config_builder *b, enum keyword k, const struct node_pair *pair,
    struct job_draft *draft)
{
	if (node_is_null(pair->value))
		return;
	draft->set |= keyword_bit(k);
	if (pair->value->kind == NODE_REFERENCE)
		return;
	value_enter(&b->reader, keywords[k].name);
	read_value(b, k, pair->value, draft);
	value_leave(&b->reader);
}

static void
misplaced_default(struct config_builder *b, const struct node_pair *pair)
{
	const char *const *names = keyword_names(b->arena, IN_DEFAULT);
	const char *hint = value_did_you_mean(&b->reader, pair->key, names);

	if (keyword_find(pair->key) != KW_NONE)
		value_error(&b->reader, pair->key_mark,
		    "must not have `%s`; it may have %s", pair->key,
		    value_alternatives(&b->reader, names));
	else
		value_error(&b->reader, pair->key_mark, "has the unknown key `%s`%s",
		    pair->key, hint);
}

void
config_read_default(struct config_builder *b, const struct node_pair *pair)
{
	enum keyword k = keyword_find(pair->key);

	if (k == KW_NONE || !(keywords[k].where & IN_DEFAULT)) {
		misplaced_default(b, pair);
		return;
	}
	if (keyword_is_set(&b->defaults, k) && !node_is_null(pair->value)) {
		config_logic_error(b, pair->key_mark,
		    "`%s` is given under `default` and at the top level; keep the one "
		    "under `default`",
		    pair->key);
		return;
	}
	read_keyword(b, k, pair, &b->defaults);
}

/* The keyword of jobs that is meant by a name that is none; KW_NONE: not to be guessed.
 */
static enum keyword
guess_keyword(struct config_builder *b, const char *name)
{
	const char *near = NULL;

	if (b->reader.diags->errors < DIAGS_MAX)
		near = value_nearest(name, keyword_names(b->arena, IN_JOB | IN_TRIGGER));
	return near != NULL ? keyword_find(near) : KW_NONE;
}

/* The guess counts as given, so that `scirpt` is not also "nothing to run". */
static void
unknown_keyword(
    struct config_builder *b, const struct node_pair *pair, struct job_draft *draft)
{
	enum keyword guess = guess_keyword(b, pair->key);

	if (guess == KW_NONE) {
		value_report(&b->reader, DIAG_ERROR, DIAG_SHAPE, pair->key_mark,
		    "unknown keyword `%s`; a job has no such keyword", pair->key);
		return;
	}
	draft->set |= keyword_bit(guess);
	value_report(&b->reader, DIAG_ERROR, DIAG_SHAPE, pair->key_mark,
	    "unknown keyword `%s`; did you mean `%s`?", pair->key, keywords[guess].name);
}

/* `workflow` in a job is refused, but what it says is checked where it stands. */
static void
top_keyword_in_job(struct config_builder *b, enum keyword k, const struct node_pair *pair)
{
	static const struct value_field fields[] = {
		{ "name", value_string, VALUE_NOWHERE, NULL, 0 },
		{ "rules", value_node, VALUE_NOWHERE, NULL, 0 },
		{ "auto_cancel", config_read_auto_cancel, VALUE_NOWHERE, NULL, 0 },
	};
	static const struct value_shape shape = VALUE_SHAPE(fields);

	if (k == KW_WORKFLOW && !node_is_null(pair->value)) {
		value_enter(&b->reader, pair->key);
		value_map(&b->reader, pair->value, &shape, NULL);
		value_leave(&b->reader);
	}
	value_report(&b->reader, DIAG_ERROR, k == KW_WORKFLOW ? DIAG_LOGIC : DIAG_SHAPE,
	    pair->key_mark, "`%s` belongs to the top level of the file, not into a job%s",
	    pair->key, k == KW_STAGES ? "; did you mean `stage`?" : "");
}

static void
read_job_keywords(struct config_builder *b, const struct node *n, struct job_draft *draft)
{
	for (size_t i = 0; i < n->count; i++) {
		const struct node_pair *pair = &n->pairs[i];
		enum keyword k = keyword_find(pair->key);

		if (k == KW_NONE)
			unknown_keyword(b, pair, draft);
		else if (!(keywords[k].where & (IN_JOB | IN_TRIGGER)))
			top_keyword_in_job(b, k, pair);
		else
			read_keyword(b, k, pair, draft);
	}
}

/* Whether a map at the top level is meant as a job, with mistakes perhaps. */
static bool
looks_like_job(struct config_builder *b, const struct node *n)
{
	for (size_t i = 0; i < n->count; i++) {
		enum keyword k = keyword_find(n->pairs[i].key);

		if (k == KW_NONE)
			k = guess_keyword(b, n->pairs[i].key);
		if (k == KW_WORKFLOW ||
		    (k != KW_NONE && (keywords[k].where & (IN_JOB | IN_TRIGGER))))
			return true;
	}
	return n->count == 0;
}

/* What a value at the top level that is no job may have been meant to be. */
static const char *
meant_instead(struct config_builder *b, const struct node_pair *pair)
{
	const char *near =
	    value_did_you_mean(&b->reader, pair->key, keyword_names(b->arena, IN_TOP));

	if (keyword_find(pair->key) != KW_NONE)
		return "; it is a keyword of jobs: put it under a job's name";
	if (*near != '\0')
		return near;
	if (node_is_null(pair->value))
		return "; nothing is under it: indent the job's keywords below its name";
	return arena_printf(b->arena,
	    "; a job is a map with `script`, `run` or `trigger`, and this is %s; if it is "
	    "for anchors, extends or !reference, name it `.%s`",
	    pair->value->kind == NODE_MAP ? "a map without any keyword of jobs"
					  : node_kind_name(pair->value->kind),
	    pair->key);
}

static void
no_job(struct config_builder *b, const struct node_pair *pair)
{
	value_report(&b->reader, DIAG_ERROR, DIAG_SHAPE, pair->key_mark,
	    "`%s` is neither a keyword of the top level nor a job%s", pair->key,
	    meant_instead(b, pair));
}

void
config_read_job(struct config_builder *b, const struct node_pair *pair)
{
	const struct node *n = pair->value;
	struct job_draft *draft;

	if (n->kind == NODE_REFERENCE)
		return;
	if (n->kind != NODE_MAP || !looks_like_job(b, n)) {
		no_job(b, pair);
		return;
	}
	draft = arena_alloc(b->arena, sizeof(*draft));
	draft->job.name = draft->job.base_name = pair->key;
	draft->job.at = pair->key_mark;
	draft->job.node = n;
	b->reader.job = pair->key;
	if (str_is_blank(pair->key))
		value_report(&b->reader, DIAG_ERROR, DIAG_SHAPE, pair->key_mark,
		    "a job needs a name");
	read_job_keywords(b, n, draft);
	b->reader.job = NULL;
	ARENA_GROW(b->arena, b->drafts, b->draft_count, b->draft_cap);
	b->drafts[b->draft_count++] = draft;
	map_set(&b->written, pair->key, draft);
}
