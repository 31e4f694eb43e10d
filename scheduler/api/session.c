/* Sessions of browsers. */
#include "scheduler/api/session.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/str.h"
#include "scheduler/api/entities.h"
#include "scheduler/service_internal.h"

#define COOKIE "pawl_session"
#define NAME "browser" /* as lists of tokens show it */
#define DAYS 30
#define US INT64_C(1000000)

/* ---- the cookie ------------------------------------------------------------------- */

/* "a=1; pawl_session=TOKEN; b=2" */
const char *
session_token(struct call *c)
{
	const char *at = http_header(c->request, "Cookie");
	const size_t n = strlen(COOKIE "=");

	while (at != NULL) {
		at += strspn(at, " ;");
		if (strncmp(at, COOKIE "=", n) == 0) {
			const size_t len = strcspn(at + n, ";");

			return len == 0 ? NULL : arena_strndup(c->arena, at + n, len);
		}
		at = strchr(at, ';');
	}
	return NULL;
}

static bool
is_https(struct call *c)
{
	return str_starts(service_server_url(c->service), "https://");
}

static void
set_cookie(struct call *c, const char *token, int64_t seconds)
{
	api_header(c, "Set-Cookie",
	    COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%" PRId64 "%s", token,
	    seconds, is_https(c) ? "; Secure" : "");
}

/* ---- no other site's words -------------------------------------------------------- */

#define CSRF_SIZE 33

static void
csrf_of(const char *token, char out[CSRF_SIZE])
{
	static const char what[] = "pawl csrf";
	unsigned char mac[HASH_SHA256_BYTES];

	hash_hmac_sha256(token, strlen(token), what, sizeof(what) - 1, mac);
	for (size_t i = 0; i < (CSRF_SIZE - 1) / 2; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

bool
session_may(struct call *c, const char *token)
{
	const char *method = http_method(c->request);
	const char *said = http_header(c->request, "X-CSRF-Token");
	char want[CSRF_SIZE];

	if (str_eq(method, "GET") || str_eq(method, "HEAD"))
		return true;
	csrf_of(token, want);
	if (said != NULL && str_eq(said, want))
		return true;
	api_error(c, 403, "403 Forbidden: X-CSRF-Token is not that of this session");
	return false;
}

/* ---- who I am --------------------------------------------------------------------- */

struct made {
	struct access_token *token;
	char text[SECRET_MAX];
};

/* Nobody is an answer, too: a page asks this first. */
static void
send_session(struct call *c, int status, const struct store_user *u, const char *token)
{
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&json);
	char csrf[CSRF_SIZE];

	json_begin_object(&w);
	if (u == NULL) {
		json_put_string(&w, "username", NULL);
	} else {
		csrf_of(token, csrf);
		json_put_int(&w, "id", u->id);
		json_put_string(&w, "username", u->login);
		json_put_string(&w, "name", u->name);
		json_put_bool(&w, "is_admin", u->is_admin);
		json_put_string(&w, "csrf_token", csrf);
	}
	json_end_object(&w);
	api_header(c, "Cache-Control", "no-store");
	api_json(c, status, &json);
}

static void
get_session(struct call *c)
{
	const char *text = session_token(c);
	struct registry *r = service_registry(c->service);
	struct access_token *t =
	    text == NULL ? NULL : registry_token(r, text, service_now_us());
	struct user *u = t == NULL ? NULL : registry_user(r, t->row.user);

	send_session(c, 200, u == NULL || u->row.blocked ? NULL : &u->row, text);
}

/* ---- logging in and out ----------------------------------------------------------- */

struct login {
	const char *token;
};

static const struct json_field login_fields[] = {
	{ JSON_FIELD("token", STRING, struct login, token) },
	{ NULL },
};
static const struct json_shape login_shape = { login_fields, sizeof(struct login) };

static void
on_made(void *data, const struct error *err)
{
	struct call *c = data;
	struct made *m = c->data;
	struct user *u;

	u = registry_user(service_registry(c->service), m->token->row.user);
	if (err->code != 0 || u == NULL) {
		api_fail(c, err);
	} else {
		set_cookie(c, m->text, INT64_C(86400) * DAYS);
		send_session(c, 201, &u->row, m->text);
	}
	api_let_go(c);
}

/* It ends with the token it was made from at the latest, and may do no more. */
static void
log_in(struct call *c)
{
	const int64_t now = service_now_us();
	struct store_token row = { .name = NAME,
		.created_us = now,
		.expires_us = now + INT64_C(86400) * DAYS * US };
	struct registry *r = service_registry(c->service);
	struct login q = { .token = NULL };
	struct access_token *t;
	struct user *u;
	struct made *m;

	if (!api_read(c, &login_shape, &q))
		return;
	t = q.token == NULL ? NULL : registry_token(r, q.token, now);
	u = t == NULL || t->row.project != 0 ? NULL : registry_user(r, t->row.user);
	if (u == NULL || u->row.blocked) {
		api_error(
		    c, 401, "401 Unauthorized: this is no person's token of this server");
		return;
	}
	row.user = u->row.id;
	row.scopes = arena_strdup(c->arena, t->row.scopes);
	if (t->row.expires_us != 0 && t->row.expires_us < row.expires_us)
		row.expires_us = t->row.expires_us;
	m = arena_alloc(c->arena, sizeof(*m));
	c->data = m;
	api_hold(c);
	m->token = registry_add_token(r, &row, m->text, on_made, c);
}

static void
log_out(struct call *c)
{
	const char *text = session_token(c);
	struct registry *r = service_registry(c->service);
	struct access_token *t =
	    text == NULL ? NULL : registry_token(r, text, service_now_us());

	if (t == NULL) {
		api_empty(c, 204);
		return;
	}
	if (!session_may(c, text))
		return;
	set_cookie(c, "", 0);
	api_hold(c);
	registry_revoke_token(r, t, service_now_us(), api_done, c);
}

const struct api_route api_session_routes[] = {
	{ "GET", "/api/pawl/v1/session", API_OPEN, get_session },
	{ "POST", "/api/pawl/v1/session", API_OPEN, log_in },
	{ "DELETE", "/api/pawl/v1/session", API_OPEN, log_out },
	{ NULL },
};
