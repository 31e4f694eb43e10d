/*
 * Who asks, and the tokens people ask with: GitLab's "Users", "Personal access tokens"
 * and "Project access tokens". A project's token is its maker's, for that project alone.
 */
#include <stdio.h>
#include <time.h>

#include "base/str.h"
#include "scheduler/api/entities.h"
#include "scheduler/api/listing.h"
#include "scheduler/service_internal.h"

#define US INT64_C(1000000)

struct new_token {
	const char *name, *expires_at;
	const char **scopes;
	size_t scope_count;
};

static const struct json_field fields[] = {
	{ JSON_FIELD("name", STRING, struct new_token, name) },
	{ JSON_FIELD("expires_at", STRING, struct new_token, expires_at) },
	{ JSON_COUNTED("scopes", STRINGS, struct new_token, scopes, scope_count) },
	{ NULL },
};
static const struct json_shape shape = { fields, sizeof(struct new_token) };

struct made {
	struct access_token *token;
	char text[SECRET_MAX];
};

/* ---- showing -------------------------------------------------------------------- */

static void
get_user(struct call *c)
{
	const struct store_user *u = &c->user->row;
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&json);

	json_begin_object(&w);
	json_put_int(&w, "id", u->id);
	json_put_string(&w, "username", u->login);
	json_put_string(&w, "name", u->name);
	json_put_string(&w, "state", "active");
	json_put_string(&w, "email", u->email);
	json_put_bool(&w, "is_admin", u->is_admin && !api_is_bound(c));
	entity_put_time(&w, "created_at", u->created_us);
	json_end_object(&w);
	api_json(c, 200, &json);
}

/* "2026-12-31"; null: it does not end */
static void
put_day(struct json_writer *w, const char *key, int64_t us)
{
	time_t seconds = (time_t)(us / US);
	struct tm tm;
	char day[16];

	if (us == 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(day, sizeof(day), "%F", &tm) == 0)
		json_put_string(w, key, NULL);
	else
		json_put_string(w, key, day);
}

static void
put_scopes(struct json_writer *w, const char *scopes)
{
	cleanup_free char *copy = xstrdup(scopes);
	char *rest = copy, *word;

	json_key(w, "scopes");
	json_begin_array(w);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			json_add_string(w, word);
	json_end_array(w);
}

/* text NULL: it is shown when it is made, and never again. */
static void
put_token(struct json_writer *w, const struct store_token *t, const char *text)
{
	int64_t now = service_now_us();

	json_begin_object(w);
	json_put_int(w, "id", t->id);
	json_put_string(w, "name", t->name);
	json_put_bool(w, "revoked", t->revoked_us != 0);
	entity_put_time(w, "created_at", t->created_us);
	put_scopes(w, t->scopes);
	json_put_int(w, "user_id", t->user);
	entity_put_time(w, "last_used_at", t->used_us);
	json_put_bool(w, "active",
	    t->revoked_us == 0 && (t->expires_us == 0 || t->expires_us > now));
	put_day(w, "expires_at", t->expires_us);
	if (text != NULL)
		json_put_string(w, "token", text);
	json_end_object(w);
}

static void
send_token(struct call *c, int status, const struct store_token *t, const char *text)
{
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&json);

	put_token(&w, t, text);
	api_json(c, status, &json);
}

static void
get_own_token(struct call *c)
{
	send_token(c, 200, &c->token->row, NULL);
}

static bool
add_token(const struct store_token *row, void *data)
{
	struct reading *r = data;

	if (row->revoked_us == 0 && row->project == r->project.id && reading_takes(r))
		put_token(&r->writer, row, NULL);
	return true;
}

static bool
add_own_token(const struct store_token *row, void *data)
{
	struct reading *r = data;

	return row->user != r->id || add_token(row, r);
}

static int
read_tokens(struct store_view *v, struct reading *r, struct error *err)
{
	json_begin_array(&r->writer);
	if (store_list_tokens(v, 0, r->id != 0 ? add_own_token : add_token, r, err) < 0)
		return err->code;
	json_end_array(&r->writer);
	return 0;
}

static void
list_project_tokens(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct reading *r;

	if (p == NULL)
		return;
	r = reading_new(c, true);
	r->project.id = p->row.id;
	reading_start(r, read_tokens);
}

/* Those of whoever asks; with a token of a project, those for it. */
static void
list_own_tokens(struct call *c)
{
	struct reading *r = reading_new(c, true);

	r->id = c->user->row.id;
	r->project.id = c->token->row.project;
	reading_start(r, read_tokens);
}

/* ---- making ---------------------------------------------------------------------- */

static void
on_made(void *data, const struct error *err)
{
	struct call *c = data;
	struct made *m = c->data;

	if (err->code != 0)
		api_fail(c, err);
	else
		send_token(c, 201, &m->token->row, m->text);
	api_let_go(c);
}

/* The end of that day; false: it is none. */
static bool
read_day(const char *text, int64_t *us)
{
	struct tm tm = { .tm_hour = 0 };
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (end == NULL || *end != '\0')
		return false;
	*us = ((int64_t)timegm(&tm) + 24 * 3600) * US;
	return true;
}

/* "api read_api"; NULL: there is an unknown one, or none. */
static const char *
join_scopes(struct call *c, const struct new_token *q)
{
	static const char *const known[] = { "api", "read_api", "read_repository",
		"write_repository" };
	const char *all = "";

	for (size_t i = 0; i < q->scope_count; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(known) && !str_eq(known[k], q->scopes[i]))
			k++;
		if (k == ARRAY_LEN(known))
			return NULL;
		all = arena_printf(
		    c->arena, "%s%s%s", all, *all != '\0' ? " " : "", q->scopes[i]);
	}
	return *all != '\0' ? all : NULL;
}

static void
make(struct call *c, int64_t user, int64_t project)
{
	struct new_token q = { .name = NULL };
	struct store_token row = {
		.user = user, .project = project, .created_us = service_now_us()
	};
	struct made *m;

	if (!api_read(c, &shape, &q))
		return;
	row.name = q.name;
	row.scopes = join_scopes(c, &q);
	if (q.name == NULL || *q.name == '\0') {
		api_refuse(c, "name is missing");
	} else if (row.scopes == NULL) {
		api_refuse(c, "scopes %s",
		    q.scope_count == 0 ? "is missing" : "does not have a valid value");
	} else if (q.expires_at != NULL && !read_day(q.expires_at, &row.expires_us)) {
		api_refuse(c, "expires_at is invalid");
	} else {
		m = arena_alloc(c->arena, sizeof(*m));
		c->data = m;
		api_hold(c);
		m->token = registry_add_token(
		    service_registry(c->service), &row, m->text, on_made, c);
	}
}

static void
make_for_user(struct call *c)
{
	int64_t id;

	if (!api_id(c, 0, &id))
		return;
	if (registry_user(service_registry(c->service), id) == NULL)
		api_error(c, 404, "404 User Not Found");
	else
		make(c, id, 0);
}

/* In a browser, or as an administrator, who may make any: a token of anybody else that
 * gets lost makes no others. */
static void
make_own(struct call *c)
{
	if (api_is_bound(c) || (!c->by_session && !c->user->row.is_admin))
		api_error(c, 403, "403 Forbidden");
	else
		make(c, c->user->row.id, 0);
}

/* A project's token makes no others: whoever revokes it has to be done with it. */
static void
make_for_project(struct call *c)
{
	struct project *p = api_project(c, 0);

	if (p == NULL)
		return;
	if (api_is_bound(c))
		api_error(c, 403, "403 Forbidden");
	else
		make(c, c->user->row.id, p->row.id);
}

/* ---- ending ----------------------------------------------------------------------- */

static void
end_token(struct call *c, struct access_token *t)
{
	api_hold(c);
	registry_revoke_token(
	    service_registry(c->service), t, service_now_us(), api_done, c);
}

static void
revoke_own(struct call *c)
{
	end_token(c, c->token);
}

/* One's own, or an administrator any. */
static void
revoke_token(struct call *c)
{
	struct access_token *t;
	int64_t id;

	if (!api_id(c, 0, &id))
		return;
	t = registry_token_of_id(service_registry(c->service), id);
	if (t == NULL || t->row.revoked_us != 0 ||
	    (t != c->token &&
		(api_is_bound(c) ||
		    (!c->user->row.is_admin && t->row.user != c->user->row.id))))
		api_error(c, 404, "404 Not Found");
	else
		end_token(c, t);
}

static void
revoke_project_token(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct access_token *t;
	int64_t id;

	if (p == NULL || !api_id(c, 1, &id))
		return;
	t = registry_token_of_id(service_registry(c->service), id);
	if (t == NULL || t->row.revoked_us != 0 || t->row.project != p->row.id)
		api_error(c, 404, "404 Not Found");
	else
		end_token(c, t);
}

const struct api_route api_token_routes[] = {
	{ "GET", "/api/v4/user", API_READ, get_user },
	{ "POST", "/api/v4/users/:id/personal_access_tokens", API_ADMIN, make_for_user },
	{ "POST", "/api/v4/user/personal_access_tokens", API_WRITE, make_own },
	{ "GET", "/api/v4/personal_access_tokens", API_READ, list_own_tokens },
	{ "GET", "/api/v4/personal_access_tokens/self", API_READ, get_own_token },
	{ "DELETE", "/api/v4/personal_access_tokens/self", API_READ, revoke_own },
	{ "DELETE", "/api/v4/personal_access_tokens/:id", API_WRITE, revoke_token },
	{ "GET", "/api/v4/projects/:id/access_tokens", API_READ, list_project_tokens },
	{ "POST", "/api/v4/projects/:id/access_tokens", API_WRITE, make_for_project },
	{ "DELETE", "/api/v4/projects/:id/access_tokens/:token", API_WRITE,
	    revoke_project_token },
	{ NULL },
};
