/* From a request to its handler. */
#include "scheduler/api/api.h"

#include <strings.h>
#include <uv.h>

#include "base/map.h"
#include "base/str.h"
#include "scheduler/api/session.h"
#include "scheduler/service_internal.h"

struct api {
	struct uv_loop_s *loop;
	struct service *service;
	struct call *calls; /* open ones */
	size_t open_calls;
	struct live *live; /* made when somebody wants to hear of changes */
	bool is_stopping;
};

static const struct api_route *const tables[] = {
	api_runner_routes,
	api_session_routes,
	api_event_routes,
	api_graph_routes,
	api_log_routes,
	api_plan_routes,
	api_queue_routes,
	api_run_form_routes,
	api_overview_routes,
	api_pipeline_file_routes,
	api_test_routes,
	api_web_routes,
	api_hook_routes,
	api_runner_admin_routes,
	api_artifact_routes,
	api_artifact_file_routes,
	api_project_routes,
	api_branch_routes,
	api_pipeline_routes,
	api_job_routes,
	api_job_file_routes,
	api_report_routes,
	api_lint_routes,
	api_system_routes,
	api_metrics_routes,
	api_token_routes,
	api_variable_routes,
	api_resource_group_routes,
	api_protected_ref_routes,
};

struct api *
api_new(struct uv_loop_s *loop, struct service *service)
{
	struct api *api = xcalloc(1, sizeof(*api));

	api->loop = loop;
	api->service = service;
	return api;
}

void
api_drain(struct api *api)
{
	for (struct call *c = api->calls, *next; c != NULL; c = next) {
		next = c->next;
		if (c->on_drain != NULL && !c->is_gone && !c->is_answered)
			c->on_drain(c);
	}
}

void
api_stop(struct api *api)
{
	api->is_stopping = true;
}

bool
api_is_stopping(const struct api *api)
{
	return api->is_stopping;
}

struct call *
api_calls(const struct api *api)
{
	return api->calls;
}

size_t
api_open_calls(const struct api *api)
{
	return api->open_calls;
}

struct live *
api_live(const struct call *c)
{
	if (c->api->live == NULL)
		c->api->live = live_new(c->service);
	return c->api->live;
}

void
api_free(struct api *api)
{
	if (api != NULL)
		live_free(api->live);
	free(api);
}

/* ---- a call's life -------------------------------------------------------------------
 */

static void
free_call(struct call *c)
{
	c->api->open_calls--;
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		c->api->calls = c->next;
	arena_free(c->arena);
}

static void
on_gone(struct http_request *r UNUSED, void *data)
{
	struct call *c = data;

	c->is_gone = true;
	if (!c->is_answered && c->on_gone != NULL)
		c->on_gone(c);
}

static void
on_end(struct http_request *r UNUSED, void *data)
{
	struct call *c = data;

	c->is_gone = true;
	c->request = NULL;
	if (c->holds == 0)
		free_call(c);
}

void
api_hold(struct call *c)
{
	c->holds++;
}

void
api_let_go(struct call *c)
{
	if (--c->holds == 0 && c->request == NULL)
		free_call(c);
}

/* ---- answering
 * --------------------------------------------------------------------------- */

void
api_reply(struct call *c, int status, const char *type, const void *body, size_t len)
{
	c->is_answered = true;
	if (!c->is_gone)
		http_reply(c->request, status, type, body, len);
}

void
api_json(struct call *c, int status, const struct buf *json)
{
	api_reply(c, status, "application/json", buf_str(json), json->len);
}

void
api_shape(struct call *c, int status, const struct json_shape *shape, const void *value)
{
	cleanup_buf struct buf json = BUF_INIT;

	json_shape_write(shape, value, &json);
	api_json(c, status, &json);
}

void
api_empty(struct call *c, int status)
{
	api_reply(c, status, status == 204 ? NULL : "text/plain", "", 0);
}

void
api_error(struct call *c, int status, const char *fmt, ...)
{
	cleanup_buf struct buf json = BUF_INIT;
	cleanup_free char *message = NULL;
	va_list ap;

	va_start(ap, fmt);
	message = xvasprintf(fmt, ap);
	va_end(ap);
	error_body_write(message, &json);
	api_json(c, status, &json);
}

void
api_fail(struct call *c, const struct error *err)
{
	int status = 500;

	switch (err->code) {
	case ERR_MISSING:
		status = 404;
		break;
	case ERR_INVALID:
		status = 400;
		break;
	case ERR_LIMIT:
		status = 413;
		break;
	case ERR_ENVIRONMENT:
	case ERR_CANCELED:
		status = 503;
		break;
	default:
		break;
	}
	api_error(c, status, "%s", err->msg);
}

void
api_done(void *data, const struct error *err)
{
	struct call *c = data;

	if (err->code != 0)
		api_fail(c, err);
	else
		api_empty(c, 204);
	api_let_go(c);
}

void
api_header(struct call *c, const char *name, const char *fmt, ...)
{
	cleanup_free char *value = NULL;
	va_list ap;

	if (c->is_gone)
		return;
	va_start(ap, fmt);
	value = xvasprintf(fmt, ap);
	va_end(ap);
	http_reply_header(c->request, name, value);
}

/* ---- who asks
 * ----------------------------------------------------------------------------- */

bool
api_has_scope(const struct access_token *t, const char *scope)
{
	size_t n = strlen(scope);

	for (const char *at = t->row.scopes; (at = strstr(at, scope)) != NULL; at += n)
		if ((at == t->row.scopes || at[-1] == ' ') &&
		    (at[n] == '\0' || at[n] == ' '))
			return true;
	return false;
}

/* PRIVATE-TOKEN, Authorization: Bearer, or the cookie of a session. */
static void
find_user(struct call *c)
{
	const char *text = http_header(c->request, "PRIVATE-TOKEN");
	const char *bearer = http_header(c->request, "Authorization");
	struct registry *r = service_registry(c->service);

	if (text == NULL && bearer != NULL && strncasecmp(bearer, "Bearer ", 7) == 0)
		text = bearer + 7;
	if (text == NULL)
		text = http_query(c->request, "private_token");
	if (text == NULL) {
		text = session_token(c);
		c->by_session = text != NULL;
	}
	if (text == NULL)
		return;
	c->token = registry_use_token(r, text, service_now_us());
	c->user = c->token == NULL ? NULL : registry_user(r, c->token->row.user);
	if (c->user != NULL && c->user->row.blocked)
		c->user = NULL;
}

struct lacking {
	const char *error, *description, *scope;
};

static const struct json_field lacking_fields[] = {
	{ JSON_FIELD("error", STRING, struct lacking, error) },
	{ JSON_FIELD("error_description", STRING, struct lacking, description) },
	{ JSON_FIELD("scope", STRING, struct lacking, scope) },
	{ NULL },
};
static const struct json_shape lacking_shape = { lacking_fields, sizeof(struct lacking) };

/* In GitLab's words. */
static void
refuse_scope(struct call *c, const char *wanted)
{
	const struct lacking said = { "insufficient_scope",
		"The request requires higher privileges than provided by the access "
		"token.",
		wanted };

	api_shape(c, 403, &lacking_shape, &said);
}

/* false after the answer */
static bool
may_enter(struct call *c)
{
	enum api_access access = c->route->access;

	if (access == API_OPEN)
		return true;
	if (c->user == NULL) {
		api_error(c, 401, "401 Unauthorized");
		return false;
	}
	if (c->by_session && !session_may(c, session_token(c)))
		return false;
	if (!api_has_scope(c->token, "api") &&
	    (access != API_READ || !api_has_scope(c->token, "read_api"))) {
		refuse_scope(c, access == API_READ ? "api read_api" : "api");
		return false;
	}
	if (access == API_ADMIN &&
	    (!c->user->row.is_admin || c->token->row.project != 0)) {
		api_error(c, 403, "403 Forbidden");
		return false;
	}
	return true;
}

/* ---- finding the route
 * --------------------------------------------------------------------- */

/* The next part between slashes; false at the end. */
static bool
next_part(const char **at, const char **part, size_t *len)
{
	while (**at == '/')
		(*at)++;
	if (**at == '\0')
		return false;
	*part = *at;
	*len = strcspn(*at, "/");
	*at += *len;
	return true;
}

/* NULL: it is malformed. */
static const char *
decoded(struct call *c, const char *text, size_t len)
{
	cleanup_free char *plain = http_decode(text, len);

	return arena_strdup(c->arena, plain);
}

/* "*rest" at a pattern's end takes all that is left, slashes too. */
static bool
fits(struct call *c, const char *pattern, const char *path)
{
	const char *want, *got;
	size_t want_len, got_len;

	c->param_count = 0;
	while (next_part(&pattern, &want, &want_len)) {
		if (*want == '*') {
			while (*path == '/')
				path++;
			c->params[c->param_count] = decoded(c, path, strlen(path));
			return *path != '\0' && c->params[c->param_count++] != NULL;
		}
		if (!next_part(&path, &got, &got_len))
			return false;
		if (*want == ':') {
			c->params[c->param_count] = decoded(c, got, got_len);
			if (c->params[c->param_count++] == NULL)
				return false;
		} else if (want_len != got_len || strncmp(want, got, want_len) != 0) {
			return false;
		}
	}
	return !next_part(&path, &got, &got_len);
}

/* NULL when there is none; *other says that the path is there, for another method. */
static const struct api_route *
find_route(struct call *c, bool *other)
{
	const char *method = http_method(c->request), *path = http_path(c->request);

	if (str_eq(method, "HEAD"))
		method = "GET";
	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (const struct api_route *r = tables[t]; r->method != NULL; r++) {
			if (!fits(c, r->pattern, path))
				continue;
			if (str_eq(r->method, method))
				return r;
			*other = true;
		}
	return NULL;
}

static void
on_body(struct http_request *r UNUSED, const char *body, size_t len, void *data)
{
	struct call *c = data;

	c->body = body;
	c->body_len = len;
	c->route->handle(c);
}

void
api_on_request(struct http_request *r, void *data)
{
	struct api *api = data;
	struct arena *arena = arena_new();
	struct call *c = arena_alloc(arena, sizeof(*c));
	bool other = false;

	*c = (struct call){ .api = api,
		.service = api->service,
		.request = r,
		.arena = arena,
		.next = api->calls };
	if (c->next != NULL)
		c->next->prev = c;
	api->calls = c;
	api->open_calls++;
	http_on_gone(r, on_gone, c);
	http_on_end(r, on_end, c);
	if (api_is_git(c)) {
		api_git(c);
		return;
	}
	c->route = find_route(c, &other);
	if (c->route == NULL && api_is_page(c)) {
		api_send_page(c);
		return;
	}
	if (c->route == NULL) {
		api_error(c, other ? 405 : 404,
		    other ? "405 Method Not Allowed" : "404 Not Found");
		return;
	}
	find_user(c);
	if (!may_enter(c))
		return;
	if (c->route->streams_body)
		c->route->handle(c);
	else
		http_read_body(r, API_MAX_BODY, on_body, c);
}

/* ---- reading the request
 * ---------------------------------------------------------------------- */

bool
api_id(struct call *c, size_t param, int64_t *out)
{
	if (str_to_int64(c->params[param], out) && *out > 0)
		return true;
	api_error(c, 404, "404 Not Found");
	return false;
}

bool
api_is_bound(const struct call *c)
{
	return c->token != NULL && c->token->row.project != 0;
}

struct project *
api_project(struct call *c, size_t param)
{
	struct registry *r = service_registry(c->service);
	struct project *p;
	int64_t id;

	p = str_to_int64(c->params[param], &id)
	    ? registry_project(r, id)
	    : registry_project_by_path(r, c->params[param]);
	if (p != NULL && api_is_bound(c) && c->token->row.project != p->row.id)
		p = NULL; /* a token of one project knows of no other */
	if (p == NULL)
		api_error(c, 404, "404 Project Not Found");
	return p;
}

struct live_job *
api_job_of_token(struct call *c, size_t param, const char *token)
{
	struct live_job *job = NULL;
	int64_t id;

	if (!api_id(c, param, &id))
		return NULL;
	if (token == NULL)
		token = http_header(c->request, "JOB-TOKEN");
	if (token != NULL)
		job = service_job_by_token(c->service, id, token);
	if (job != NULL) {
		service_heartbeat(c->service, job);
		return job;
	}
	if (service_is_loading(c->service))
		api_error(c, 503, "the server is starting");
	else
		api_error(c, 403, "403 Forbidden");
	return NULL;
}

/* ---- timers
 * -------------------------------------------------------------------------------------
 */

struct api_timer {
	uv_timer_t handle;
	struct call *call;
	void (*fn)(struct call *c);
};

static void
on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
api_timer_stop(struct api_timer *t)
{
	if (t != NULL)
		uv_close((uv_handle_t *)&t->handle, on_timer_closed);
}

static void
on_timer(uv_timer_t *handle)
{
	struct api_timer *t = handle->data;
	struct call *c = t->call;
	void (*fn)(struct call * c) = t->fn;

	api_timer_stop(t);
	fn(c);
}

struct api_timer *
api_timer_start(struct call *c, uint64_t ms, void (*fn)(struct call *c))
{
	struct api_timer *t = xcalloc(1, sizeof(*t));

	t->call = c;
	t->fn = fn;
	uv_timer_init(c->api->loop, &t->handle);
	t->handle.data = t;
	uv_timer_start(&t->handle, on_timer, ms, 0);
	return t;
}

struct uv_loop_s *
api_loop(const struct call *c)
{
	return c->api->loop;
}
