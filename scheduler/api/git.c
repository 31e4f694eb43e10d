/*
 * Git over HTTP: requests under /GROUP/NAME.git are passed through `git http-backend`,
 * with a person's token, or a job's for reading, as the password. The first push makes
 * the project.
 */
#include <signal.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>
#include <uv.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/str.h"
#include "scheduler/api/api.h"
#include "scheduler/push.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

#define MAX_QUEUED ((size_t)1 << 20) /* each way; then the other side waits */
#define MAX_HEAD 16384               /* of what http-backend says first */
#define MAX_ENV 48

/* ---- which repository, and who
 * --------------------------------------------------------- */

static const char *const services[] = { "/info/refs", "/git-upload-pack",
	"/git-receive-pack", NULL };

/* "/group/name.git/info/refs" to "group/name" and "/info/refs". */
static bool
split_path(struct call *c, const char **project, const char **rest)
{
	const char *path = http_path(c->request), *dot = strstr(path, ".git/");
	cleanup_free char *decoded = NULL;

	if (*path != '/' || dot == NULL)
		return false;
	for (size_t i = 0; services[i] != NULL; i++) {
		if (!str_eq(dot + 4, services[i]))
			continue;
		decoded = http_decode(path + 1, (size_t)(dot - path) - 1);
		if (decoded == NULL)
			return false;
		*project = arena_strdup(c->arena, decoded);
		*rest = services[i];
		return true;
	}
	return false;
}

bool
api_is_git(struct call *c)
{
	const char *project, *rest;

	return split_path(c, &project, &rest);
}

static bool
is_write(struct call *c, const char *rest)
{
	const char *service = http_query(c->request, "service");

	return str_eq(rest, "/git-receive-pack") ||
	    (str_eq(rest, "/info/refs") && service != NULL &&
		str_eq(service, "git-receive-pack"));
}

/* The password of Basic authentication; NULL: none. */
static const char *
password(struct call *c)
{
	const char *header = http_header(c->request, "Authorization");
	cleanup_buf struct buf text = BUF_INIT;
	const char *colon;

	if (header == NULL || strncasecmp(header, "Basic ", 6) != 0 ||
	    !base64_decode(header + 6, &text))
		return NULL;
	colon = strchr(buf_str(&text), ':');
	return colon == NULL ? NULL : arena_strdup(c->arena, colon + 1);
}

/* Its own project, and as submodules those that are not private: code of strangers may
 * run in a job. */
static bool
job_may_read(const struct live_job *job, const struct project *p)
{
	return service_project_of(job) == p || str_eq(p->row.visibility, "public") ||
	    str_eq(p->row.visibility, "internal");
}

static bool
may(struct call *c, bool write, const struct project *p)
{
	const char *token = password(c);
	struct live_job *job;

	if (token == NULL)
		return false;
	c->token =
	    registry_use_token(service_registry(c->service), token, service_now_us());
	if (c->token != NULL) {
		c->user = registry_user(service_registry(c->service), c->token->row.user);
		return c->user != NULL && !c->user->row.blocked &&
		    (c->token->row.project == 0 ||
			(p != NULL && p->row.id == c->token->row.project)) &&
		    (api_has_scope(c->token, "api") ||
			api_has_scope(
			    c->token, write ? "write_repository" : "read_repository"));
	}
	job = write ? NULL : service_job_of_token(c->service, token);
	return job != NULL && p != NULL && job_may_read(job, p);
}

/* git shows its user a plain text, and nothing of any other answer. */
static void refuse(struct call *c, int status, const char *fmt, ...) PRINTF(3, 4);

static void
refuse(struct call *c, int status, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	api_reply(c, status, "text/plain", text, strlen(text));
}

/* ---- the program
 * ---------------------------------------------------------------------------- */

struct cgi {
	struct call *call;
	uv_process_t process;
	uv_pipe_t in, out;
	int open_handles;
	size_t queued; /* bytes on their way to it */
	struct buf head;
	bool has_head, input_ended, is_paused, output_paused, is_push;
	uint64_t push; /* what its hook calls it */
	bool is_told;  /* by its hook, which refs it moved */
	struct project *project;
	int64_t user;
};

static void
on_closed(uv_handle_t *handle)
{
	struct cgi *g = handle->data;

	if (--g->open_handles > 0)
		return;
	/* A hook that did not come: the refs say what was pushed. Else they are not
	 * looked at again: that could take what another push has just moved, before its
	 * hook has said with which options. */
	if (g->is_push && !g->is_told && !api_is_stopping(g->call->api))
		push_look(g->call->service, g->project, NULL, g->user, NULL, NULL);
	buf_clear(&g->head);
	g->call->data = NULL; /* it may go on without */
	api_let_go(g->call);
	free(g);
}

static void
close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_closed);
}

static void
on_backend_exit(uv_process_t *process, int64_t status, int signal)
{
	struct cgi *g = process->data;

	if (status != 0 || signal != 0)
		log_warn("git http-backend ended with status %d, signal %d", (int)status,
		    signal);
	close_handle((uv_handle_t *)process);
	close_handle((uv_handle_t *)&g->in);
}

/* "Status: 404 Not Found" and other headers, up to an empty line. */
static void
begin_reply(struct cgi *g, char *head)
{
	const char *type = NULL;
	int status = 200;

	for (char *line = head; line != NULL && *line != '\0';) {
		char *end = strchr(line, '\n'), *colon = strchr(line, ':');

		if (end != NULL)
			*end = '\0';
		line[strcspn(line, "\r")] = '\0';
		if (colon != NULL && (end == NULL || colon < end)) {
			*colon++ = '\0';
			colon += strspn(colon, " ");
			if (strcasecmp(line, "Status") == 0)
				status = (int)strtol(colon, NULL, 10);
			else if (strcasecmp(line, "Content-Type") == 0)
				type = colon;
			else
				api_header(g->call, line, "%s", colon);
		}
		line = end == NULL ? NULL : end + 1;
	}
	http_begin(
	    g->call->request, status >= 200 && status < 600 ? status : 502, type, -1);
}

/* false: the head is not complete yet. */
static bool
take_head(struct cgi *g, const char *bytes, size_t len)
{
	char *end;
	size_t head_len, skip = 2;

	buf_add(&g->head, bytes, len);
	end = memmem(g->head.data, g->head.len, "\n\n", 2);
	if (end == NULL) {
		end = memmem(g->head.data, g->head.len, "\n\r\n", 3);
		skip = 3;
	}
	if (end == NULL)
		return g->head.len > MAX_HEAD;
	head_len = (size_t)(end - g->head.data);
	g->has_head = true;
	end[0] = '\0';
	begin_reply(g, g->head.data);
	if (g->head.len > head_len + skip)
		http_write(g->call->request, g->head.data + head_len + skip,
		    g->head.len - head_len - skip);
	return true;
}

static void
on_alloc(uv_handle_t *handle UNUSED, size_t suggested, uv_buf_t *buf)
{
	*buf = uv_buf_init(xmalloc(suggested), (unsigned)suggested);
}

static void
end_reply(struct cgi *g)
{
	struct call *c = g->call;

	if (!c->is_gone && g->has_head)
		http_end(c->request);
	else if (!c->is_gone)
		api_error(c, 502, "git http-backend gave no answer");
	c->is_answered = true;
	close_handle((uv_handle_t *)&g->out);
}

static void
on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct cgi *g = stream->data;
	struct call *c = g->call;

	if (n > 0 && !c->is_gone) {
		if (!g->has_head)
			(void)take_head(g, buf->base, (size_t)n);
		else
			http_write(c->request, buf->base, (size_t)n);
		if (g->has_head && http_queued(c->request) > MAX_QUEUED) {
			g->output_paused = true;
			uv_read_stop(stream);
		}
	}
	free(buf->base);
	if (n < 0)
		end_reply(g);
}

static void
on_drain(struct http_request *r UNUSED, void *data)
{
	struct call *c = data;
	struct cgi *g = c->data;

	if (g == NULL || !g->output_paused)
		return;
	g->output_paused = false;
	uv_read_start((uv_stream_t *)&g->out, on_alloc, on_output);
}

/* ---- the request's body goes to it
 * --------------------------------------------------------- */

struct piece {
	uv_write_t request;
	size_t len;
	char bytes[];
};

static void
on_piece_written(uv_write_t *request, int status UNUSED)
{
	struct piece *p = request->data;
	struct cgi *g = request->handle->data;

	g->queued -= p->len;
	if (g->input_ended && g->queued == 0)
		close_handle((uv_handle_t *)&g->in);
	if (g->is_paused && g->queued < MAX_QUEUED / 2 && !g->call->is_gone) {
		g->is_paused = false;
		http_resume(g->call->request);
	}
	free(p);
}

static void
on_body(struct http_request *r, const char *bytes, size_t len, void *data)
{
	struct call *c = data;
	struct cgi *g = c->data;
	struct piece *p;
	uv_buf_t buf;

	if (g == NULL || uv_is_closing((uv_handle_t *)&g->in))
		return;
	if (len == 0) { /* closing would throw away what is still on its way */
		g->input_ended = true;
		if (g->queued == 0)
			close_handle((uv_handle_t *)&g->in);
		return;
	}
	p = xmalloc(sizeof(*p) + len);
	p->len = len;
	p->request.data = p;
	memcpy(p->bytes, bytes, len);
	buf = uv_buf_init(p->bytes, (unsigned)len);
	g->queued += len;
	if (uv_write(&p->request, (uv_stream_t *)&g->in, &buf, 1, on_piece_written) < 0) {
		g->queued -= len;
		free(p);
	} else if (g->queued > MAX_QUEUED) {
		g->is_paused = true;
		http_pause(r);
	}
}

/* The pusher left: git sees its pipes close; what the hook has begun goes on. */
static void
on_gone(struct call *c)
{
	struct cgi *g = c->data;

	if (g == NULL)
		return;
	if (api_is_stopping(c->api) && !uv_is_closing((uv_handle_t *)&g->process))
		uv_process_kill(&g->process, SIGTERM);
	close_handle((uv_handle_t *)&g->in);
	if (g->output_paused) { /* so that it can end */
		g->output_paused = false;
		uv_read_start((uv_stream_t *)&g->out, on_alloc, on_output);
	}
}

void
api_git_told(const struct api *api, int64_t push)
{
	for (struct call *c = api_calls(api); c != NULL; c = c->next) {
		struct cgi *g = c->on_gone == on_gone ? c->data : NULL;

		if (g != NULL && g->push == (uint64_t)push)
			g->is_told = true;
	}
}

/* ---- starting it
 * --------------------------------------------------------------------------------- */

struct cgi_env {
	struct arena *arena;
	char *items[MAX_ENV + 1];
	size_t count;
};

static void set(struct cgi_env *e, const char *name, const char *fmt, ...) PRINTF(3, 4);

static void
set(struct cgi_env *e, const char *name, const char *fmt, ...)
{
	cleanup_free char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	value = xvasprintf(fmt, ap);
	va_end(ap);
	if (e->count < MAX_ENV)
		e->items[e->count++] = arena_printf(e->arena, "%s=%s", name, value);
}

static void
set_header(struct cgi_env *e, struct call *c, const char *name, const char *header)
{
	const char *value = http_header(c->request, header);

	if (value != NULL)
		set(e, name, "%s", value);
}

/* Settings of git that every repository here has, without a line in its own file. */
static void
set_config(struct cgi_env *e, const char *data_dir)
{
	const char *const rows[][2] = {
		{ "core.hooksPath", arena_printf(e->arena, "%s/hooks", data_dir) },
		{ "http.receivepack", "true" },
		{ "receive.advertisePushOptions", "true" },
		{ "receive.keepAlive", "5" },
		{ "receive.autogc", "false" },
		/* as it is by default, but without nine lines of advice */
		{ "receive.denyDeleteCurrent", "refuse" },
		{ "gc.auto", "0" },
		{ "transfer.fsckObjects", "true" },
		{ "uploadpack.allowAnySHA1InWant", "true" },
		{ "safe.directory", "*" },
		/* nobody pushes what pawl itself keeps there */
		{ "receive.hideRefs", "refs/pipelines" },
	};

	set(e, "GIT_CONFIG_COUNT", "%zu", ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *key = xasprintf("GIT_CONFIG_KEY_%zu", i);
		cleanup_free char *value = xasprintf("GIT_CONFIG_VALUE_%zu", i);

		set(e, key, "%s", rows[i][0]);
		set(e, value, "%s", rows[i][1]);
	}
}

static void
set_environment(struct cgi_env *e, struct call *c, const struct project *p,
    const char *rest, uint64_t push)
{
	const char *query = strchr(http_target(c->request), '?');
	const char *path = getenv("PATH");
	int64_t len = http_content_length(c->request);

	set(e, "PATH", "%s", path != NULL ? path : "/usr/bin:/bin");
	set(e, "LC_ALL", "C");
	set(e, "GIT_PROJECT_ROOT", "%s", service_repos_dir(c->service));
	set(e, "GIT_HTTP_EXPORT_ALL", "1");
	set(e, "PATH_INFO", "/%s.git%s", p->row.path, rest);
	set(e, "REQUEST_METHOD", "%s", http_method(c->request));
	set(e, "QUERY_STRING", "%s", query == NULL ? "" : query + 1);
	set(e, "REMOTE_ADDR", "%s", http_peer(c->request));
	set(e, "REMOTE_USER", "%s", c->user != NULL ? c->user->row.login : "job");
	if (len > 0)
		set(e, "CONTENT_LENGTH", "%" PRId64, len);
	set_header(e, c, "CONTENT_TYPE", "Content-Type");
	set_header(e, c, "HTTP_CONTENT_ENCODING", "Content-Encoding");
	set_header(e, c, "HTTP_GIT_PROTOCOL", "Git-Protocol");
	set(e, "PAWL_SOCKET", "%s", service_socket(c->service));
	set(e, "PAWL_PROJECT", "%" PRId64, p->row.id);
	set(e, "PAWL_PUSH", "%" PRIu64, push);
	set(e, "PAWL_USER", "%" PRId64, c->user != NULL ? c->user->row.id : 0);
	set_config(e, service_data_dir(c->service));
}

static void
start(struct call *c, struct project *p, const char *rest)
{
	char *argv[] = { (char *)(uintptr_t) "git", (char *)(uintptr_t) "http-backend",
		NULL };
	struct cgi_env env = { .arena = c->arena };
	struct cgi *g = xcalloc(1, sizeof(*g));
	uv_stdio_container_t files[] = {
		{ .flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_READABLE_PIPE),
		    .data.stream = (uv_stream_t *)&g->in },
		{ .flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
		    .data.stream = (uv_stream_t *)&g->out },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 }
	};
	uv_process_options_t o = { .file = "git",
		.args = argv,
		.env = env.items,
		.stdio = files,
		.stdio_count = ARRAY_LEN(files),
		.exit_cb = on_backend_exit };
	int rc;

	g->push = uv_hrtime(); /* no two are made in one nanosecond */
	set_environment(&env, c, p, rest, g->push);
	g->call = c;
	g->project = p;
	g->user = c->user != NULL ? c->user->row.id : 0;
	g->in.data = g->out.data = g->process.data = g;
	uv_pipe_init(api_loop(c), &g->in, 0);
	uv_pipe_init(api_loop(c), &g->out, 0);
	rc = uv_spawn(api_loop(c), &g->process, &o);
	g->open_handles = 3;
	c->data = g;
	c->on_gone = on_gone;
	api_hold(c);
	http_on_drain(c->request, on_drain, c);
	if (rc < 0) {
		g->is_push = false;
		api_error(c, 500, "cannot start git: %s", uv_strerror(rc));
		c->data = NULL;
		close_handle((uv_handle_t *)&g->process);
		close_handle((uv_handle_t *)&g->in);
		close_handle((uv_handle_t *)&g->out);
		return;
	}
	uv_read_start((uv_stream_t *)&g->out, on_alloc, on_output);
	if (str_eq(http_method(c->request), "POST"))
		http_stream_body(c->request, on_body, c);
	else
		close_handle((uv_handle_t *)&g->in);
}

/* ---- a request
 * -------------------------------------------------------------------------------------
 */

struct creation {
	struct call *call;
	struct project *project;
	const char *rest;
};

static void
on_created(void *data, const struct error *err)
{
	struct creation *n = data;
	struct call *c = n->call;

	if (err->code != 0)
		api_fail(c, err);
	else if (!c->is_gone)
		start(c, n->project, n->rest);
	api_let_go(c);
}

static void
create(struct call *c, const char *path, const char *rest)
{
	struct creation *n = arena_alloc(c->arena, sizeof(*n));
	struct error err = ERROR_INIT;

	if (service_add_project(c->service, path, c->user->row.id, on_created, n,
		&n->project, &err) < 0) {
		refuse(c, err.code == ERR_INVALID ? 400 : 500, "%s\n", err.msg);
		return;
	}
	n->call = c;
	n->rest = rest;
	api_hold(c);
}

void
api_git(struct call *c)
{
	const char *path, *rest;
	struct project *p;
	bool write;

	if (!split_path(c, &path, &rest)) {
		api_error(c, 404, "404 Not Found");
		return;
	}
	p = registry_project_by_path(service_registry(c->service), path);
	write = is_write(c, rest);
	if (!may(c, write, p)) {
		if (password(c) != NULL && c->token != NULL) {
			refuse(c, 403, "this token may not %s %s\n",
			    write ? "push to" : "read", path);
			return;
		}
		if (password(c) != NULL &&
		    service_job_of_token(c->service, password(c)) != NULL) {
			refuse(c, 403,
			    "a job's token reads its own project and those of this server "
			    "that are not private, not %s\n",
			    path);
			return;
		}
		api_header(c, "WWW-Authenticate", "Basic realm=\"pawl\"");
		refuse(c, 401, "the password is a token of this server\n");
		return;
	}
	if (p != NULL)
		start(c, p, rest);
	else if (write && str_eq(rest, "/info/refs") &&
	    service_settings(c->service)->create_on_push)
		create(c, path, rest);
	else
		refuse(c, 404, "there is no project %s%s\n", path,
		    write ? ", and here a push makes none (create_on_push)" : "");
}
