/*
 * Changes: in force in memory at once, told when they are on disk. What goes to the
 * store's thread is a copy of its own, because the row may change again meanwhile.
 */
#include <ctype.h>

#include "base/str.h"
#include "scheduler/registry_internal.h"

#define MAX_PATH_LEN 255
#define MAX_DEPTH 20 /* of groups, as GitLab nests them */
#define USED_EVERY_US (60 * INT64_C(1000000))

struct store_namespace
registry_copy_namespace(struct arena *a, const struct store_namespace *row)
{
	struct store_namespace copy = *row;

	copy.path = arena_strdup(a, row->path);
	return copy;
}

struct store_project
registry_copy_project(struct arena *a, const struct store_project *row)
{
	struct store_project copy = *row;

	copy.path = arena_strdup(a, row->path);
	copy.name = arena_strdup(a, row->name);
	copy.description = arena_strdup(a, row->description);
	copy.default_branch = arena_strdup(a, row->default_branch);
	copy.config_path = arena_strdup(a, row->config_path);
	copy.visibility = arena_strdup(a, row->visibility);
	copy.protected_branches = arena_strdup(a, row->protected_branches);
	copy.protected_tags = arena_strdup(a, row->protected_tags);
	return copy;
}

struct store_user
registry_copy_user(struct arena *a, const struct store_user *row)
{
	struct store_user copy = *row;

	copy.login = arena_strdup(a, row->login);
	copy.name = arena_strdup(a, row->name);
	copy.email = arena_strdup(a, row->email);
	copy.password_hash = arena_strdup(a, row->password_hash);
	return copy;
}

struct store_token
registry_copy_token(struct arena *a, const struct store_token *row)
{
	struct store_token copy = *row;

	copy.name = arena_strdup(a, row->name);
	copy.scopes = arena_strdup(a, row->scopes);
	return copy;
}

struct store_runner
registry_copy_runner(struct arena *a, const struct store_runner *row)
{
	struct store_runner copy = *row;

	copy.description = arena_strdup(a, row->description);
	copy.tags = arena_strdup(a, row->tags);
	copy.info = arena_strdup(a, row->info);
	return copy;
}

/* ---- to the store ------------------------------------------------------------ */

/* What one change writes; what is not in use has no id. */
struct change {
	struct arena *arena;
	struct store_namespace *groups;
	size_t group_count, group_cap;
	struct store_project project;
	struct store_user user;
	struct store_token token;
	struct store_runner runner;
	int64_t removed_runner;
	store_done_fn done;
	void *data;
};

static struct change *
new_change(store_done_fn done, void *data)
{
	struct arena *arena = arena_new();
	struct change *c = arena_alloc(arena, sizeof(*c));

	c->arena = arena;
	c->done = done;
	c->data = data;
	return c;
}

static int
write_change(struct store_txn *t, void *data, struct error *err)
{
	const struct change *c = data;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->group_count; i++)
		rc = store_put_namespace(t, &c->groups[i], err);
	if (rc == 0 && c->project.id != 0)
		rc = store_put_project(t, &c->project, err);
	if (rc == 0 && c->user.id != 0)
		rc = store_put_user(t, &c->user, err);
	if (rc == 0 && c->token.id != 0)
		rc = store_put_token(t, &c->token, err);
	if (rc == 0 && c->runner.id != 0)
		rc = store_put_runner(t, &c->runner, err);
	if (rc == 0 && c->removed_runner != 0)
		rc = store_delete_runner(t, c->removed_runner, err);
	return rc;
}

static void
on_written(void *data, const struct error *err)
{
	struct change *c = data;

	if (c->done != NULL)
		c->done(c->data, err);
	arena_free(c->arena);
}

static void
submit(struct registry *r, struct change *c)
{
	store_write(r->store, write_change, on_written, c);
}

/* ---- projects ------------------------------------------------------------------ */

/* GitLab's rule: letters, digits, "_", "-", "."; none of the last two at an end. */
static int
check_part(const char *part, size_t len, struct error *err)
{
	if (len == 0)
		return error_set(err, ERR_INVALID, "has an empty part");
	if (strchr("-.", part[0]) != NULL || strchr("-.", part[len - 1]) != NULL)
		return error_set(err, ERR_INVALID,
		    "has a part that begins or ends with \"%c\"",
		    strchr("-.", part[0]) != NULL ? part[0] : part[len - 1]);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)part[i]) && strchr("_-.", part[i]) == NULL)
			return error_set(err, ERR_INVALID,
			    "may hold letters, digits, \"_\", \"-\" and \".\" only");
	if ((len > 4 && strncmp(part + len - 4, ".git", 4) == 0) ||
	    (len > 5 && strncmp(part + len - 5, ".atom", 5) == 0))
		return error_set(err, ERR_INVALID, "may not end with .git or .atom");
	return 0;
}

static int
check_path(const char *path, struct error *err)
{
	const char *at = path;
	int parts = 0;

	if (strlen(path) > MAX_PATH_LEN)
		return error_set(err, ERR_INVALID,
		    "the path of a project may be %d characters long", MAX_PATH_LEN);
	for (;;) {
		size_t len = strcspn(at, "/");

		if (check_part(at, len, err) < 0)
			return error_wrap(err, "the path \"%s\"", path);
		parts++;
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	if (parts < 2 || parts > MAX_DEPTH)
		return error_set(err, ERR_INVALID,
		    "a project's path is GROUP/NAME or GROUP/SUBGROUP/NAME, not \"%s\"",
		    path);
	return 0;
}

/* The groups on the way to the project, those that are missing made; the last one's id.
 */
static int64_t
make_groups(struct registry *r, struct change *c, const char *path, int64_t now_us)
{
	int64_t parent = 0;

	for (const char *slash = strchr(path, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		char *group = arena_strndup(c->arena, path, (size_t)(slash - path));
		struct group *g = registry_group(r, group);

		if (g == NULL) {
			g = registry_keep_group(r, r->ids.namespace ++, group);
			ARENA_GROW(c->arena, c->groups, c->group_count, c->group_cap);
			c->groups[c->group_count++] =
			    (struct store_namespace){ g->id, parent, group, now_us };
		}
		parent = g->id;
	}
	return parent;
}

int
registry_new_path(
    const struct registry *r, const char *path, char **out, struct error *err)
{
	cleanup_free char *wanted = xstrdup(path);

	if (check_path(path, err) < 0)
		return err->code;
	if (registry_project_by_path(r, path) != NULL || registry_group(r, path) != NULL)
		return error_set(err, ERR_INVALID, "there is a %s %s already",
		    registry_group(r, path) != NULL ? "group" : "project", path);
	for (char *slash = strchr(wanted, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		const struct group *g;

		*slash = '\0';
		if (registry_project_by_path(r, wanted) != NULL)
			return error_set(err, ERR_INVALID,
			    "%s is a project, which cannot hold another one", wanted);
		g = registry_group(r, wanted);
		if (g != NULL)
			memcpy(wanted, g->path, strlen(g->path));
		*slash = '/';
	}
	*out = take(wanted);
	return 0;
}

struct project *
registry_add_project(
    struct registry *r, const char *path, int64_t now_us, store_done_fn done, void *data)
{
	struct store_project row = { .path = path,
		.name = strrchr(path, '/') + 1,
		.visibility = "private",
		.created_us = now_us };
	struct change *c = new_change(done, data);
	struct project *p;

	row.id = r->ids.project++;
	row.namespace = make_groups(r, c, path, now_us);
	c->project = registry_copy_project(c->arena, &row);
	p = registry_keep_project(r, &row);
	submit(r, c);
	return p;
}

void
registry_set_project(
    struct registry *r, const struct store_project *row, store_done_fn done, void *data)
{
	struct change *c = new_change(done, data);

	c->project = registry_copy_project(c->arena, row);
	registry_keep_project(r, &c->project);
	submit(r, c);
}

/* ---- people, tokens, runners ----------------------------------------------------- */

struct user *
registry_set_user(
    struct registry *r, const struct store_user *row, store_done_fn done, void *data)
{
	struct change *c = new_change(done, data);
	struct user *u;

	c->user = registry_copy_user(c->arena, row);
	if (c->user.id == 0)
		c->user.id = r->ids.user++;
	u = registry_keep_user(r, &c->user);
	submit(r, c);
	return u;
}

struct access_token *
registry_add_token(struct registry *r, const struct store_token *row,
    char text[SECRET_MAX], store_done_fn done, void *data)
{
	struct change *c = new_change(done, data);
	struct access_token *t;

	c->token = registry_copy_token(c->arena, row);
	c->token.id = r->ids.token++;
	secret_make_token(SECRET_PERSONAL, text);
	secret_hash_token(text, c->token.hash);
	t = registry_keep_token(r, &c->token);
	submit(r, c);
	return t;
}

struct access_token *
registry_use_token(struct registry *r, const char *token, int64_t now_us)
{
	struct access_token *t = registry_token(r, token, now_us);
	struct change *c;

	if (t == NULL || now_us - t->row.used_us < USED_EVERY_US)
		return t;
	t->row.used_us = now_us;
	c = new_change(NULL, NULL);
	c->token = registry_copy_token(c->arena, &t->row);
	submit(r, c);
	return t;
}

void
registry_revoke_token(struct registry *r, struct access_token *token, int64_t now_us,
    store_done_fn done, void *data)
{
	struct change *c = new_change(done, data);

	token->row.revoked_us = now_us;
	c->token = registry_copy_token(c->arena, &token->row);
	submit(r, c);
}

struct registered_runner *
registry_add_runner(struct registry *r, const struct store_runner *row,
    char text[SECRET_MAX], store_done_fn done, void *data)
{
	struct change *c = new_change(done, data);
	struct registered_runner *n;

	c->runner = registry_copy_runner(c->arena, row);
	c->runner.id = r->ids.runner++;
	secret_make_token(SECRET_RUNNER, text);
	secret_hash_token(text, c->runner.token_hash);
	n = registry_keep_runner(r, &c->runner);
	submit(r, c);
	return n;
}

void
registry_set_runner(
    struct registry *r, const struct store_runner *row, store_done_fn done, void *data)
{
	struct change *c = new_change(done, data);

	c->runner = registry_copy_runner(c->arena, row);
	registry_keep_runner(r, &c->runner);
	submit(r, c);
}

void
registry_remove_runner(struct registry *r, int64_t id, store_done_fn done, void *data)
{
	struct registered_runner *n = registry_runner(r, id);
	struct change *c = new_change(done, data);

	c->removed_runner = id;
	if (n != NULL)
		registry_drop_runner(r, n);
	submit(r, c);
}
