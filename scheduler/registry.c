/* Looking things up; registry_change.c makes and changes them. */
#include "scheduler/registry.h"

#include <ctype.h>

#include "base/arena.h"
#include "base/json_writer.h"
#include "protocol/json_shape.h"
#include "scheduler/registry_internal.h"

static const struct json_field tag_fields[] = {
	{ JSON_COUNTED("tags", STRINGS, struct strs, items, count) },
	{ NULL },
};
static const struct json_shape tag_shape = { tag_fields, sizeof(struct strs) };

/* ["a","b"] as a list. */
static void
read_tags(const char *json, struct arena *a, struct strs *out)
{
	cleanup_free char *text =
	    xasprintf("{\"tags\":%s}", json != NULL ? json : "null");
	struct error ignored = ERROR_INIT;

	*out = (struct strs){ 0 };
	if (json_shape_read(
		&tag_shape, text, strlen(text), strlen(text) + 1, a, out, &ignored) < 0)
		*out = (struct strs){ 0 };
}

const char *
registry_tags_json(struct arena *a, const struct strs *tags)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	if (tags->count == 0)
		return NULL;
	json_begin_array(&w);
	for (size_t i = 0; i < tags->count; i++)
		json_add_string(&w, tags->items[i]);
	json_end_array(&w);
	return arena_strdup(a, buf_str(&out));
}

/* ---- keeping rows ------------------------------------------------------------ */

static char *
id_key(int64_t id, char out[24])
{
	(void)snprintf(out, 24, "%" PRId64, id);
	return out;
}

void
registry_hash_key(const unsigned char hash[32], char out[REGISTRY_HASH_KEY])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[64] = '\0';
}

static void *
by_id(const struct map *map, int64_t id)
{
	char key[24];

	return map_get(map, id_key(id, key));
}

static void
set_by_id(struct map *map, int64_t id, void *value)
{
	char key[24];

	map_set(map, id_key(id, key), value);
}

char *
registry_fold_path(const char *path)
{
	char *folded = xstrdup(path);

	for (char *p = folded; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return folded;
}

struct group *
registry_keep_group(struct registry *r, int64_t id, const char *path)
{
	cleanup_free char *key = registry_fold_path(path);
	struct group *g = xcalloc(1, sizeof(*g) + strlen(path) + 1);

	g->id = id;
	memcpy(g->path, path, strlen(path));
	map_set(&r->namespaces, key, g);
	return g;
}

struct group *
registry_group(const struct registry *r, const char *path)
{
	cleanup_free char *key = registry_fold_path(path);

	return map_get(&r->namespaces, key);
}

struct project *
registry_keep_project(struct registry *r, const struct store_project *row)
{
	struct project *p = by_id(&r->projects, row->id);
	struct arena *old = p != NULL ? p->arena : NULL, *a = arena_new();
	cleanup_free char *key = registry_fold_path(row->path);

	if (p == NULL) {
		p = xcalloc(1, sizeof(*p));
		p->next_iid = 1;
		set_by_id(&r->projects, row->id, p);
	}
	p->arena = a;
	p->row = registry_copy_project(a, row);
	map_set(&r->project_paths, key, p);
	arena_free(old);
	return p;
}

struct user *
registry_keep_user(struct registry *r, const struct store_user *row)
{
	struct user *u = by_id(&r->users, row->id);
	struct arena *old = u != NULL ? u->arena : NULL, *a = arena_new();

	if (u == NULL) {
		u = xcalloc(1, sizeof(*u));
		set_by_id(&r->users, row->id, u);
	}
	u->arena = a;
	u->row = registry_copy_user(a, row);
	map_set(&r->logins, u->row.login, u);
	arena_free(old);
	return u;
}

struct access_token *
registry_keep_token(struct registry *r, const struct store_token *row)
{
	char key[REGISTRY_HASH_KEY];
	struct access_token *t;
	struct arena *old, *a = arena_new();

	registry_hash_key(row->hash, key);
	t = map_get(&r->tokens, key);
	old = t != NULL ? t->arena : NULL;
	if (t == NULL) {
		t = xcalloc(1, sizeof(*t));
		map_set(&r->tokens, key, t);
	}
	t->arena = a;
	t->row = registry_copy_token(a, row);
	arena_free(old);
	return t;
}

struct registered_runner *
registry_keep_runner(struct registry *r, const struct store_runner *row)
{
	struct registered_runner *n = by_id(&r->runners, row->id);
	struct arena *old = n != NULL ? n->arena : NULL, *a = arena_new();
	char key[REGISTRY_HASH_KEY];

	if (n == NULL) {
		n = xcalloc(1, sizeof(*n));
		set_by_id(&r->runners, row->id, n);
	} else {
		registry_hash_key(n->row.token_hash, key);
		map_remove(&r->runner_tokens, key);
	}
	n->arena = a;
	n->row = registry_copy_runner(a, row);
	read_tags(n->row.tags, a, &n->tags);
	registry_hash_key(row->token_hash, key);
	map_set(&r->runner_tokens, key, n);
	arena_free(old);
	return n;
}

void
registry_drop_runner(struct registry *r, struct registered_runner *n)
{
	char key[REGISTRY_HASH_KEY];

	registry_hash_key(n->row.token_hash, key);
	map_remove(&r->runner_tokens, key);
	map_remove(&r->runners, id_key(n->row.id, key));
	arena_free(n->arena);
	free(n);
}

/* ---- at start ------------------------------------------------------------------ */

struct loading {
	struct registry *registry;
	struct store_view *view;
	struct error *err; /* of a read within a list */
};

static bool
on_namespace(const struct store_namespace *row, void *data)
{
	struct loading *l = data;

	(void)registry_keep_group(l->registry, row->id, row->path);
	return true;
}

static bool
on_project(const struct store_project *row, void *data)
{
	struct loading *l = data;
	struct project *p = registry_keep_project(l->registry, row);

	return store_next_iid(l->view, row->id, &p->next_iid, l->err) == 0;
}

static bool
on_user(const struct store_user *row, void *data)
{
	struct loading *l = data;

	registry_keep_user(l->registry, row);
	return true;
}

static bool
on_token(const struct store_token *row, void *data)
{
	struct loading *l = data;

	registry_keep_token(l->registry, row);
	return true;
}

static bool
on_runner(const struct store_runner *row, void *data)
{
	struct loading *l = data;

	registry_keep_runner(l->registry, row);
	return true;
}

static int
load(struct store_view *v, void *data, struct error *err)
{
	struct registry *r = data;
	const struct store_project_filter any = { .search = NULL };
	struct store_page all = { .ascending = true };
	struct loading l = { r, v, err };

	if (store_next_ids(v, &r->ids, err) < 0 ||
	    store_list_namespaces(v, on_namespace, &l, err) < 0 ||
	    store_list_projects(v, &any, &all, on_project, &l, err) < 0 ||
	    err->code != 0 || store_list_users(v, on_user, &l, err) < 0 ||
	    store_list_tokens(v, 0, on_token, &l, err) < 0 ||
	    store_list_runners(v, on_runner, &l, err) < 0)
		return err->code;
	return 0;
}

int
registry_load(struct store *store, struct registry **out, struct error *err)
{
	struct registry *r = xcalloc(1, sizeof(*r));

	r->store = store;
	err->code = 0;
	if (store_read_now(store, load, r, err) < 0) {
		registry_free(r);
		return err->code;
	}
	*out = r;
	return 0;
}

void
registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	map_for_each(p, &r->projects) {
		arena_free(((struct project *)p->value)->arena);
		free(p->value);
	}
	map_for_each(u, &r->users) {
		arena_free(((struct user *)u->value)->arena);
		free(u->value);
	}
	map_for_each(t, &r->tokens) {
		arena_free(((struct access_token *)t->value)->arena);
		free(t->value);
	}
	map_for_each(n, &r->runners) {
		arena_free(((struct registered_runner *)n->value)->arena);
		free(n->value);
	}
	map_for_each(g, &r->namespaces) {
		free(g->value);
	}
	map_clear(&r->projects);
	map_clear(&r->project_paths);
	map_clear(&r->users);
	map_clear(&r->logins);
	map_clear(&r->tokens);
	map_clear(&r->runners);
	map_clear(&r->runner_tokens);
	map_clear(&r->namespaces);
	free(r);
}

/* ---- looking up ------------------------------------------------------------------ */

const struct store_ids *
registry_ids(const struct registry *r)
{
	return &r->ids;
}

struct project *
registry_project(const struct registry *r, int64_t id)
{
	return by_id(&r->projects, id);
}

struct project *
registry_project_by_path(const struct registry *r, const char *path)
{
	cleanup_free char *key = registry_fold_path(path);

	return map_get(&r->project_paths, key);
}

struct user *
registry_user(const struct registry *r, int64_t id)
{
	return by_id(&r->users, id);
}

struct user *
registry_user_by_login(const struct registry *r, const char *login)
{
	return map_get(&r->logins, login);
}

struct access_token *
registry_token(const struct registry *r, const char *token, int64_t now_us)
{
	unsigned char hash[32];
	char key[REGISTRY_HASH_KEY];
	struct access_token *t;

	secret_hash_token(token, hash);
	registry_hash_key(hash, key);
	t = map_get(&r->tokens, key);
	if (t == NULL || !secret_equal(hash, t->row.hash, sizeof(hash)) ||
	    t->row.revoked_us != 0 ||
	    (t->row.expires_us != 0 && t->row.expires_us <= now_us))
		return NULL;
	return t;
}

struct access_token *
registry_token_of_id(const struct registry *r, int64_t id)
{
	map_for_each(e, &r->tokens) {
		struct access_token *t = e->value;

		if (t->row.id == id)
			return t;
	}
	return NULL;
}

struct registered_runner *
registry_runner(const struct registry *r, int64_t id)
{
	return by_id(&r->runners, id);
}

struct registered_runner *
registry_runner_by_token(const struct registry *r, const char *token)
{
	unsigned char hash[32];
	char key[REGISTRY_HASH_KEY];
	struct registered_runner *n;

	secret_hash_token(token, hash);
	registry_hash_key(hash, key);
	n = map_get(&r->runner_tokens, key);
	return n != NULL && secret_equal(hash, n->row.token_hash, sizeof(hash)) ? n
										: NULL;
}

void
registry_each_project(
    const struct registry *r, bool (*fn)(struct project *p, void *data), void *data)
{
	map_for_each(e, &r->projects) {
		if (!fn(e->value, data))
			return;
	}
}

void
registry_each_runner(const struct registry *r,
    bool (*fn)(struct registered_runner *runner, void *data), void *data)
{
	map_for_each(e, &r->runners) {
		if (!fn(e->value, data))
			return;
	}
}

size_t
registry_user_count(const struct registry *r)
{
	return r->users.live;
}
