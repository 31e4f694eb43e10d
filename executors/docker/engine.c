/* Asking a container engine. */
#include "executors/docker/engine.h"

#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/http_client.h"
#include "base/path.h"
#include "base/str.h"

#define LOOK_MS 100 /* whether to stop */
#define RETRIES 20
#define RETRY_PAUSE_NS (50L * 1000 * 1000)
#define MAX_REPLY ((size_t)32 << 20)

struct engine {
	uv_loop_t loop;
	uv_timer_t look;
	struct http_client *client;
	const atomic_bool *stop;
	char *base; /* "http://engine" */
	char *host; /* for messages */
	char *cert_dir;
	struct begun *begun;
};

struct pending {
	bool done;
	int status;
	struct buf *out;
	struct error error;
};

struct begun {
	struct engine *engine;
	struct begun *prev, *next;
	void (*ended)(int status, const char *body, void *data);
	bool (*write)(const char *bytes, size_t len, void *data);
	void (*heard)(void *data);
	void *data;
};

/* ---- where it is ----------------------------------------------------------- */

static bool
is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    access(path, R_OK | W_OK) == 0;
}

char *
engine_find(const char *host)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *given = getenv("DOCKER_HOST");
	cleanup_free char *docker = run == NULL ? NULL : path_join(run, "docker.sock");
	cleanup_free char *podman =
	    run == NULL ? NULL : path_join(run, "podman/podman.sock");
	const char *const usual[] = { "/var/run/docker.sock", docker, podman,
		"/run/podman/podman.sock" };

	if (host != NULL)
		return xstrdup(host);
	if (given != NULL && *given != '\0')
		return xstrdup(given);
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (usual[i] != NULL && is_socket(usual[i]))
			return xasprintf("unix://%s", usual[i]);
	return NULL;
}

char *
engine_find_certs(const char *cert_dir)
{
	const char *verify = getenv("DOCKER_TLS_VERIFY"), *home = getenv("HOME");
	const char *given = getenv("DOCKER_CERT_PATH");

	if (cert_dir != NULL)
		return xstrdup(cert_dir);
	if (verify == NULL || *verify == '\0')
		return NULL;
	if (given != NULL && *given != '\0')
		return xstrdup(given);
	return home == NULL ? NULL : path_join(home, ".docker");
}

static int
parse_host(struct engine *e, struct http_client_options *options, struct error *err)
{
	if (str_starts(e->host, "unix:///")) {
		options->unix_socket = e->host + strlen("unix://");
		if (access(options->unix_socket, F_OK) < 0)
			return error_set(err, ERR_ENVIRONMENT,
			    "there is no engine at %s: %s", options->unix_socket,
			    strerror(errno));
		e->base = xstrdup("http://engine");
	} else if (str_starts(e->host, "tcp://") && e->host[strlen("tcp://")] != '\0') {
		e->base = xasprintf("http%s://%s", e->cert_dir != NULL ? "s" : "",
		    e->host + strlen("tcp://"));
		if (!str_is_http_url(e->base))
			return error_set(err, ERR_INVALID, "%s is no address", e->host);
	} else {
		return error_set(err, ERR_INVALID,
		    "the engine's address should begin with unix:/// or tcp://, not be %s",
		    e->host);
	}
	return 0;
}

/* ---- opening and closing --------------------------------------------------- */

static void
on_look(uv_timer_t *timer UNUSED)
{
}

static int
connect_client(struct engine *e, struct error *err)
{
	const char *dir = e->cert_dir;
	cleanup_free char *ca = dir == NULL ? NULL : path_join(dir, "ca.pem");
	cleanup_free char *cert = dir == NULL ? NULL : path_join(dir, "cert.pem");
	cleanup_free char *key = dir == NULL ? NULL : path_join(dir, "key.pem");
	struct http_client_options options = { .user_agent = "pawl" };

	if (parse_host(e, &options, err) < 0)
		return err->code;
	if (options.unix_socket == NULL && dir != NULL) {
		if (access(ca, R_OK) < 0)
			return error_set(err, ERR_ENVIRONMENT,
			    "cannot read %s, by which the engine at %s is known: %s", ca,
			    e->host, strerror(errno));
		options.ca_file = ca;
		/* an engine need not ask who comes */
		if (access(cert, F_OK) == 0) {
			options.cert_file = cert;
			options.key_file = key;
		}
	}
	return http_client_new(&e->loop, &options, &e->client, err);
}

int
engine_open(const struct engine_address *address, const atomic_bool *stop,
    struct engine **out, struct error *err)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->stop = stop;
	e->host = engine_find(address->host);
	e->cert_dir = engine_find_certs(address->cert_dir);
	uv_loop_init(&e->loop);
	uv_timer_init(&e->loop, &e->look);
	uv_timer_start(&e->look, on_look, LOOK_MS, LOOK_MS);
	uv_unref((uv_handle_t *)&e->look);
	if (e->host == NULL)
		(void)error_set(err, ERR_ENVIRONMENT,
		    "no engine is there: neither DOCKER_HOST nor a socket of Docker or "
		    "Podman that this user may use");
	else if (connect_client(e, err) == 0) {
		*out = e;
		return 0;
	}
	engine_close(e);
	return err->code;
}

void
engine_close(struct engine *e)
{
	if (e == NULL)
		return;
	http_client_free(e->client);
	for (struct begun *b = e->begun, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	uv_close((uv_handle_t *)&e->look, NULL);
	uv_run(&e->loop, UV_RUN_DEFAULT);
	uv_loop_close(&e->loop);
	free(e->base);
	free(e->host);
	free(e->cert_dir);
	free(e);
}

struct uv_loop_s *
engine_loop(const struct engine *e)
{
	return (uv_loop_t *)(uintptr_t)&e->loop;
}

/* ---- questions ------------------------------------------------------------- */

static void
on_done(struct http_call *call UNUSED, const struct http_reply *reply, void *data)
{
	struct pending *p = data;

	p->done = true;
	p->status = reply->status;
	if (reply->status == 0 && reply->error != NULL)
		p->error = *reply->error;
	if (p->out != NULL)
		buf_add(p->out, reply->body, reply->len);
}

static struct http_call *
send_call(
    struct engine *e, const struct engine_call *call, struct http_call_options *options)
{
	cleanup_free char *url = xasprintf("%s%s", e->base, call->path);
	const char *headers[] = { call->body != NULL ? "Content-Type: application/json"
						     : call->header,
		call->body != NULL ? call->header : NULL, NULL };

	options->method = call->method;
	options->url = url;
	options->headers = headers;
	/* "" has no length to be sent with */
	options->body = call->body != NULL ? call->body : NULL;
	options->body_len = call->body != NULL ? strlen(call->body) : 0;
	options->max_reply = MAX_REPLY;
	options->timeout_ms = call->timeout_ms;
	return http_send(e->client, options);
}

/* OpenSSL's words say what, not where to look. */
static void
explain_silence(const struct engine *e, const struct error *why, struct error *err)
{
	bool refused = strstr(why->msg, "alert") != NULL; /* it said so, not we */

	(void)error_set(err, ERR_ENVIRONMENT, "the engine at %s does not answer: %.300s",
	    e->host, why->msg);
	if (e->cert_dir == NULL || strstr(why->msg, "certificate") == NULL)
		return;
	if (refused)
		(void)error_set(err, ERR_ENVIRONMENT,
		    "the engine at %s wants a certificate of a client it knows, as "
		    "cert.pem and key.pem in %s: %.300s",
		    e->host, e->cert_dir, why->msg);
	else
		(void)error_set(err, ERR_ENVIRONMENT,
		    "the engine at %s is not the one that %s/ca.pem vouches for: %.300s",
		    e->host, e->cert_dir, why->msg);
}

struct streaming {
	struct pending pending;
	const struct engine_call *call;
};

static bool
on_bytes(const char *bytes, size_t len, void *data)
{
	struct streaming *s = data;

	return s->call->write(bytes, len, s->call->data);
}

int
engine_ask(
    struct engine *e, const struct engine_call *call, struct buf *out, struct error *err)
{
	struct streaming s = { .pending = { .out = out }, .call = call };
	struct http_call_options options = { .on_done = on_done,
		.write = call->write != NULL ? on_bytes : NULL,
		.data = &s };
	struct http_call *sent = send_call(e, call, &options);
	bool may_stop = e->stop != NULL && !call->finishes;

	uv_ref((uv_handle_t *)&e->look); /* the loop looks at stop now and then */
	while (!s.pending.done && !(may_stop && atomic_load(e->stop)))
		uv_run(&e->loop, UV_RUN_ONCE);
	uv_unref((uv_handle_t *)&e->look);
	if (!s.pending.done) {
		http_cancel(sent);
		return error_set(err, ERR_CANCELED, "canceled");
	}
	if (s.pending.status == 0) {
		explain_silence(e, &s.pending.error, err);
		return err->code;
	}
	return s.pending.status;
}

/* {"message":"…"}, of old Podmans {"cause":…,"message":…}. */
static void
explain(const struct buf *body, int status, struct error *err)
{
	json_t *root =
	    json_loadb(body->data != NULL ? body->data : "", body->len, 0, NULL);
	const char *message = json_string_value(json_object_get(root, "message"));

	if (message == NULL && body->len > 0)
		message = body->data; /* no JSON: not quite an engine */
	(void)error_set(err, status == 404 ? ERR_MISSING : ERR_FOREIGN,
	    "the engine says: %.700s%s", message != NULL ? message : "status ",
	    message != NULL ? "" : "without words");
	json_decref(root);
}

/* Podman stumbles over containers that go away while it makes a list. */
static bool
stumbled(const struct engine_call *call, int status, const struct buf *body)
{
	return status == 500 && str_eq(call->method, "GET") &&
	    strstr(buf_str(body), "container not known") != NULL;
}

int
engine_do(struct engine *e, const struct engine_call *call, int also, struct buf *out,
    struct error *err)
{
	const struct timespec pause = { .tv_nsec = RETRY_PAUSE_NS };
	cleanup_buf struct buf body = BUF_INIT;
	int status = engine_ask(e, call, &body, err);

	for (int i = 0; i < RETRIES && stumbled(call, status, &body); i++) {
		nanosleep(&pause, NULL);
		buf_reset(&body);
		status = engine_ask(e, call, &body, err);
	}
	if (status < 0)
		return status;
	if (status / 100 != 2 && status != also) {
		explain(&body, status, err);
		return err->code;
	}
	if (out != NULL)
		buf_add(out, buf_str(&body), body.len);
	return status;
}

static void
on_begun_done(struct http_call *call UNUSED, const struct http_reply *reply, void *data)
{
	struct begun *b = data;

	*(b->prev != NULL ? &b->prev->next : &b->engine->begun) = b->next;
	if (b->next != NULL)
		b->next->prev = b->prev;
	if (b->ended != NULL)
		b->ended(reply->status, reply->body, b->data);
	free(b);
}

static bool
on_begun_bytes(const char *bytes, size_t len, void *data)
{
	struct begun *b = data;

	return b->write(bytes, len, b->data);
}

static void
on_begun_headers(void *data)
{
	struct begun *b = data;

	b->heard(b->data);
}

void
engine_begin(struct engine *e, const struct engine_call *call,
    void (*ended)(int status, const char *body, void *data))
{
	struct begun *b = xcalloc(1, sizeof(*b));
	struct http_call_options options = { .on_done = on_begun_done,
		.write = call->write != NULL ? on_begun_bytes : NULL,
		.on_headers = call->heard != NULL ? on_begun_headers : NULL,
		.data = b };

	*b = (struct begun){ .engine = e,
		.next = e->begun,
		.ended = ended,
		.write = call->write,
		.heard = call->heard,
		.data = call->data };
	if (e->begun != NULL)
		e->begun->prev = b;
	e->begun = b;
	(void)send_call(e, call, &options);
}
