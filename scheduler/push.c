/* Comparing refs, and a pipeline for each that moved. */
#include "scheduler/push.h"

#include "base/git.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/map.h"
#include "scheduler/registry_internal.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

#define MAX_VARIABLES 100
#define MAX_AT_ONCE 50 /* more refs that move together are an import, not pushes */

/* ---- options ---------------------------------------------------------------------- */

/* "K=V", also in quotes. */
static bool
split(const char *text, struct arena *a, const char **key, const char **value)
{
	size_t len = strlen(text);
	const char *eq;

	if (len >= 2 && (*text == '"' || *text == '\'') && text[len - 1] == *text) {
		text = arena_strndup(a, text + 1, len - 2);
	}
	eq = strchr(text, '=');
	if (eq == NULL || eq == text)
		return false;
	*key = arena_strndup(a, text, (size_t)(eq - text));
	*value = arena_strdup(a, eq + 1);
	return true;
}

/* The first one is told. */
static void refuse(struct push_options *out, struct arena *a, const char *fmt, ...)
    PRINTF(3, 4);

static void
refuse(struct push_options *out, struct arena *a, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	if (out->error != NULL)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	out->error = arena_strdup(a, text);
}

static void
add_variable(const char *text, struct arena *a, struct push_options *out)
{
	const char *key, *value;

	if (!split(text, a, &key, &value) || !vars_is_name(key, strlen(key))) {
		refuse(out, a,
		    "-o ci.variable=%s is ignored: wanted ci.variable=\"NAME=VALUE\"",
		    text);
		return;
	}
	if (out->var_count == MAX_VARIABLES) {
		refuse(out, a, "-o ci.variable=%s is ignored: %d variables are the most",
		    text, MAX_VARIABLES);
		return;
	}
	ARENA_GROW(a, out->vars, out->var_count, out->var_cap);
	out->vars[out->var_count++] =
	    (struct var){ .name = key, .value = value, .level = VAR_PIPELINE };
}

/* The value stays a text: it is read as the input's type asks. */
static void
add_input(const char *text, struct arena *a, struct json_writer *inputs,
    struct push_options *out)
{
	const char *key, *value;

	if (!split(text, a, &key, &value))
		refuse(out, a,
		    "-o ci.input=%s is ignored: wanted ci.input=\"NAME=VALUE\"", text);
	else
		json_put_string(inputs, key, value);
}

void
push_read_options(const struct strlist *texts, struct arena *a, struct push_options *out)
{
	cleanup_buf struct buf inputs = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&inputs);

	*out = (struct push_options){ .skip = false };
	json_begin_object(&w);
	for (size_t i = 0; i < texts->count; i++) {
		const char *text = texts->items[i];

		if (str_eq(text, "ci.skip"))
			out->skip = true;
		else if (str_eq(text, "ci.wait"))
			out->wait = true;
		else if (str_starts(text, "ci.variable="))
			add_variable(text + strlen("ci.variable="), a, out);
		else if (str_starts(text, "ci.input="))
			add_input(text + strlen("ci.input="), a, &w, out);
		else if (str_starts(text, "ci."))
			refuse(out, a,
			    "-o %s is ignored: known are ci.skip, ci.wait, ci.variable=\"NAME=VALUE\" "
			    "and ci.input=\"NAME=VALUE\"",
			    text);
	}
	json_end_object(&w);
	if (!str_eq(buf_str(&inputs), "{}"))
		out->inputs = arena_strdup(a, buf_str(&inputs));
}

/* ---- one look at a project ------------------------------------------------------------
 */

struct moved {
	const char *ref, *sha, *before; /* sha NULL: deleted; before NULL: new */
	bool has_pipeline;
};

struct look {
	struct service *service;
	struct arena *arena;
	uint64_t number;
	int64_t project;
	const char *path, *dir;
	struct strlist refs; /* empty: all */
	bool all;
	int64_t user;
	struct push_options options;
	struct push_events events;
	struct moved *moved;
	size_t moved_count, moved_cap;
	size_t open; /* pipelines that are being made, and the look itself */
	struct error error;
};

static void
add_moved(struct look *l, const char *ref, const char *sha, const char *before)
{
	ARENA_GROW(l->arena, l->moved, l->moved_count, l->moved_cap);
	l->moved[l->moved_count++] = (struct moved){ arena_strdup(l->arena, ref),
		arena_strdup(l->arena, sha), arena_strdup(l->arena, before), false };
}

static int
compare_one(struct look *l, struct store_view *v, struct git_repo *repo, const char *ref,
    struct error *err)
{
	char sha[GIT_SHA_MAX];
	struct store_ref row;
	struct error ignored = ERROR_INIT;
	int known = store_get_ref(v, l->project, ref, l->arena, &row, err);
	bool is_there = git_repo_resolve(repo, ref, sha, &ignored) == 0;

	if (known < 0 && known != ERR_MISSING)
		return known;
	if (is_there && known < 0)
		add_moved(l, ref, sha, NULL);
	else if (is_there && !str_eq(row.sha, sha))
		add_moved(l, ref, sha, row.sha);
	else if (!is_there && known == 0)
		add_moved(l, ref, NULL, row.sha);
	return 0;
}

struct gone {
	struct look *look;
	const struct strlist *there;
};

static bool
note_gone(const struct store_ref *row, void *data)
{
	struct gone *g = data;

	if (!strlist_has(g->there, row->name))
		add_moved(g->look, row->name, NULL, row->sha);
	return true;
}

/* Branches and tags only: other refs are nobody's push. */
static int
compare_all(
    struct look *l, struct store_view *v, struct git_repo *repo, struct error *err)
{
	cleanup_strlist struct strlist there = STRLIST_INIT;
	struct gone gone = { l, &there };

	if (git_repo_refs(repo, "refs/heads/", &there, err) < 0 ||
	    git_repo_refs(repo, "refs/tags/", &there, err) < 0)
		return err->code;
	for (size_t i = 0; i < there.count; i++)
		if (compare_one(l, v, repo, there.items[i], err) < 0)
			return err->code;
	return store_list_refs(v, l->project, note_gone, &gone, err);
}

static int
look_on_worker(struct store_view *v, void *data, struct error *err)
{
	struct look *l = data;
	cleanup_git_repo struct git_repo *repo = NULL;

	if (git_repo_open_bare(l->dir, &repo, err) < 0)
		return err->code;
	if (l->all)
		return compare_all(l, v, repo, err);
	for (size_t i = 0; i < l->refs.count; i++) {
		const char *ref = l->refs.items[i];

		if (!str_starts(ref, "refs/heads/") && !str_starts(ref, "refs/tags/"))
			continue;
		if (compare_one(l, v, repo, ref, err) < 0)
			return err->code;
	}
	return 0;
}

/* ---- what moved
 * -------------------------------------------------------------------------- */

static void
end_one(struct look *l)
{
	if (--l->open > 0)
		return;
	if (l->events.on_done != NULL)
		l->events.on_done(l->events.data, &l->error);
	strlist_clear(&l->refs);
	arena_free(l->arena);
}

/*
 * What a look has read may be old news when it gets here: a pipeline that was made since
 * it began stays marked for as long as such a look is about.
 */
static bool
is_in_hand(struct look *l, const struct moved *moved, char **key)
{
	struct map *pushes = &l->service->pushes;
	struct push_mark *mark;

	*key = xasprintf("%" PRId64 " %s %s", l->project, moved->ref, moved->sha);
	mark = map_get(pushes, *key);
	if (mark != NULL && (mark->made_at == 0 || mark->made_at >= l->number)) {
		free(take(*key));
		return true;
	}
	if (mark == NULL) {
		mark = xcalloc(1, sizeof(*mark));
		map_set(pushes, *key, mark);
	}
	mark->made_at = 0;
	return false;
}

static void
mark_made(struct service *s, const char *key, bool is_made)
{
	struct push_mark *mark = map_get(&s->pushes, key);

	mark->made_at = s->last_look;
	if (s->looks > 0 && is_made)
		return;
	(void)map_remove(&s->pushes, key);
	free(mark);
}

static void
end_comparing(struct service *s)
{
	if (--s->looks > 0)
		return;
	map_for_each(e, &s->pushes) {
		struct push_mark *mark = e->value;

		if (mark->made_at == 0)
			continue;
		(void)map_remove(&s->pushes, e->key);
		free(mark);
	}
}

struct making {
	struct look *look;
	char *key; /* in service->pushes */
	const char *ref;
};

static void
on_made(void *data, const struct pipeline_outcome *o)
{
	struct making *m = data;
	struct look *l = m->look;
	struct push_result result = { m->ref, o };

	mark_made(l->service, m->key, o->verdict != PIPELINE_ERROR);
	if (o->verdict == PIPELINE_ERROR)
		log_event(LOG_WARN, &(struct log_about){ .ref = m->ref },
		    "no pipeline for a push to %s: %s", l->path, o->error->msg);
	if (l->events.on_result != NULL)
		l->events.on_result(&result, l->events.data);
	free(m->key);
	free(m);
	end_one(l);
}

struct ref_write {
	struct arena *arena;
	struct store_ref row;
	bool is_gone;
};

static int
write_ref(struct store_txn *t, void *data, struct error *err)
{
	const struct ref_write *w = data;

	return w->is_gone ? store_delete_ref(t, w->row.project, w->row.name, err)
			  : store_put_ref(t, &w->row, err);
}

static void
on_ref_written(void *data, const struct error *err)
{
	struct ref_write *w = data;

	if (err->code != 0)
		log_warn("%s", err->msg);
	arena_free(w->arena);
}

static void
forget_ref(struct look *l, const char *ref)
{
	struct arena *arena = arena_new();
	struct ref_write *w = arena_alloc(arena, sizeof(*w));

	w->arena = arena;
	w->row.project = l->project;
	w->row.name = arena_strdup(arena, ref);
	w->is_gone = true;
	store_write(l->service->o.store, write_ref, on_ref_written, w);
}

/* The first branch that comes is the default one; main and master before others. */
static void
choose_default(struct look *l, struct project *p)
{
	static const char *const favoured[] = { "refs/heads/main", "refs/heads/master",
		NULL };
	struct store_project row = p->row;
	struct error err = ERROR_INIT;
	const char *first = NULL;

	if (p->row.default_branch != NULL)
		return;
	for (size_t i = 0; i < l->moved_count; i++) {
		const char *ref = l->moved[i].ref;

		if (l->moved[i].sha == NULL || !str_starts(ref, "refs/heads/"))
			continue;
		if (first == NULL || str_eq(ref, favoured[1]) || str_eq(ref, favoured[0]))
			first = ref;
		if (str_eq(ref, favoured[0]))
			break;
	}
	if (first == NULL)
		return;
	row.default_branch = first + strlen("refs/heads/");
	/* it is protected from the first, whatever else has been by then */
	if (row.protected_branches != NULL)
		row.protected_branches = arena_printf(
		    l->arena, "%s%s\n", row.protected_branches, row.default_branch);
	if (repo_set_head(l->service->repos_dir, p->row.path, row.default_branch, &err) <
	    0)
		log_warn("%s", err.msg);
	registry_set_project(l->service->o.registry, &row, NULL, NULL);
}

static void
make(struct look *l, struct project *p, const struct moved *moved)
{
	bool is_tag = str_starts(moved->ref, "refs/tags/");
	const char *name = moved->ref + strlen(is_tag ? "refs/tags/" : "refs/heads/");
	struct pipeline_request q = {
		.project = p,
		.ref = name,
		.is_tag = is_tag,
		.ref_is_protected = service_is_protected(&p->row, name, is_tag),
		.sha = moved->sha,
		.before_sha = moved->before,
		.source = "push",
		.user = l->user,
		.vars = l->options.vars,
		.var_count = l->options.var_count,
		.inputs = l->options.inputs,
		.inputs_as_typed = true,
		.skip = l->options.skip,
		.seen_ref = moved->ref,
	};
	struct making *m;
	char *key;

	if (is_in_hand(l, moved, &key))
		return;
	m = xcalloc(1, sizeof(*m));
	*m = (struct making){ l, key, moved->ref };
	l->open++;
	service_make_pipeline(l->service, &q, on_made, m);
}

static bool
is_default(const struct project *p, const char *ref)
{
	return str_starts(ref, "refs/heads/") && p->row.default_branch != NULL &&
	    str_eq(ref + strlen("refs/heads/"), p->row.default_branch);
}

static int
write_imported(struct store_txn *t, void *data, struct error *err)
{
	const struct look *l = data;

	for (size_t i = 0; i < l->moved_count; i++) {
		const struct store_ref row = { .project = l->project,
			.name = l->moved[i].ref,
			.sha = l->moved[i].sha };

		if (l->moved[i].sha != NULL && !l->moved[i].has_pipeline &&
		    store_put_ref(t, &row, err) < 0)
			return err->code;
	}
	return 0;
}

static void
on_imported(void *data, const struct error *err)
{
	struct look *l = data;

	if (err->code != 0)
		l->error = *err;
	end_one(l);
}

/* Without those that were deleted. */
static size_t
count_there(const struct look *l)
{
	size_t count = 0;

	for (size_t i = 0; i < l->moved_count; i++)
		count += l->moved[i].sha != NULL;
	return count;
}

static void
on_looked(void *data, const struct error *err)
{
	struct look *l = data;
	struct project *p = registry_project(l->service->o.registry, l->project);
	size_t there = count_there(l);
	bool is_import = there > MAX_AT_ONCE;

	if (err->code != 0)
		l->error = *err;
	if (p != NULL && err->code == 0) {
		choose_default(l, p);
		for (size_t i = 0; i < l->moved_count; i++) {
			struct moved *m = &l->moved[i];

			m->has_pipeline =
			    m->sha != NULL && (!is_import || is_default(p, m->ref));
			if (m->sha == NULL)
				forget_ref(l, m->ref);
			else if (m->has_pipeline)
				make(l, p, m);
		}
		if (is_import) {
			if (l->events.on_import != NULL)
				l->events.on_import(there, l->events.data);
			l->open++;
			store_write(l->service->o.store, write_imported, on_imported, l);
		}
	}
	end_comparing(l->service);
	end_one(l);
}

static void
copy_options(struct look *l, const struct push_options *from)
{
	l->options = *from;
	l->options.vars = arena_calloc(l->arena, from->var_count, sizeof(struct var));
	for (size_t i = 0; i < from->var_count; i++) {
		l->options.vars[i] = from->vars[i];
		l->options.vars[i].name = arena_strdup(l->arena, from->vars[i].name);
		l->options.vars[i].value = arena_strdup(l->arena, from->vars[i].value);
	}
	l->options.inputs = arena_strdup(l->arena, from->inputs);
}

void
push_look(struct service *s, struct project *project, const struct strlist *refs,
    int64_t user, const struct push_options *options, const struct push_events *events)
{
	struct arena *arena = arena_new();
	struct look *l = arena_alloc(arena, sizeof(*l));
	cleanup_free char *dir = repo_dir(s->repos_dir, project->row.path);

	s->looks++;
	l->number = ++s->last_look;
	l->service = s;
	l->arena = arena;
	l->project = project->row.id;
	l->path = arena_strdup(arena, project->row.path);
	l->dir = arena_strdup(arena, dir);
	l->all = refs == NULL;
	for (size_t i = 0; refs != NULL && i < refs->count; i++)
		strlist_add(&l->refs, refs->items[i]);
	l->user = user;
	if (options != NULL)
		copy_options(l, options);
	if (events != NULL)
		l->events = *events;
	l->open = 1;
	store_read(s->o.store, look_on_worker, on_looked, l);
}

static bool
look_at(struct project *p, void *data)
{
	if (p->row.archived)
		return true;
	push_look(data, p, NULL, 0, NULL, NULL);
	return true;
}

void
push_look_everywhere(struct service *s)
{
	registry_each_project(s->o.registry, look_at, s);
}
