/* Starting and ending a server, in order. */
#include "scheduler/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include <uv.h>

#include "base/git.h"
#include "base/http_server.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "scheduler/api/api.h"
#include "scheduler/own_runner.h"
#include "scheduler/push.h"
#include "scheduler/retention.h"
#include "scheduler/service.h"

#define LEAVE_MS 500   /* for its own runner to leave, before nobody is let in any more */
#define DRAIN_MS 10000 /* for calls that are in hand: uploads, downloads, pushes */
#define END_MS 5000    /* for what they have begun */
#define FIRST_LOGIN "root"
#define OWN_RUNNER "local"

struct server {
	const struct server_options *o;
	char *data_dir; /* absolute */
	uv_loop_t loop;
	int lock_fd;
	struct seal *seal;
	struct store *store;
	struct log_store *logs;
	struct registry *registry;
	struct service *service;
	struct api *api;
	struct http_server *http;
	char *address; /* where it listens, as a URL */
	char *url;     /* how others reach it */
	char *socket;
	struct own_runner *runner;
	struct retention *retention;
	uv_signal_t interrupt, terminate;
	uv_work_t library;
	int signals;
	char first_token[SECRET_MAX]; /* "" unless this is the first start */
};

/* ---- the data folder ------------------------------------------------------------------
 */

static int
make_folders(struct server *s, struct error *err)
{
	static const char *const names[] = { "db", "repos", "logs", "artifacts", "jobs",
		"keys", "hooks" };

	if (path_mkdirs(s->o->data_dir, 0700, err) < 0)
		return err->code;
	s->data_dir = realpath(s->o->data_dir, NULL);
	if (s->data_dir == NULL)
		return error_errno(err, "cannot use %s", s->o->data_dir);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *dir = path_join(s->data_dir, names[i]);

		if (path_mkdirs(dir, 0700, err) < 0)
			return err->code;
	}
	return 0;
}

static int
lock_data(struct server *s, struct error *err)
{
	cleanup_free char *path = path_join(s->data_dir, "lock");

	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return error_errno(err, "cannot open %s", path);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "another server uses the folder %s", s->data_dir);
	return 0;
}

static int
open_data(struct server *s, struct error *err)
{
	cleanup_free char *key = path_join(s->data_dir, "keys/seal.key");
	cleanup_free char *db = path_join(s->data_dir, "db");
	cleanup_free char *logs = path_join(s->data_dir, "logs");

	if (seal_open(key, &s->seal, err) < 0 ||
	    store_open(&s->loop, db, &s->store, err) < 0 ||
	    registry_load(s->store, &s->registry, err) < 0 ||
	    log_store_open(logs, &s->logs, err) < 0)
		return err->code;
	return 0;
}

/* ---- the first start
 * -------------------------------------------------------------------- */

static int64_t
make_first_user(struct server *s)
{
	struct store_user user = { .login = FIRST_LOGIN,
		.name = "Administrator",
		.is_admin = true,
		.created_us = service_now_us() };

	return registry_set_user(s->registry, &user, NULL, NULL)->row.id;
}

/* A token for everything, shown once: at the first start, or when one is asked for. */
static int
make_first_token(struct server *s, struct error *err)
{
	bool is_first = registry_user_count(s->registry) == 0;
	const struct user *user = registry_user_by_login(s->registry, FIRST_LOGIN);
	struct store_token token = { .name = "first token",
		.scopes = "api read_api read_repository write_repository",
		.created_us = service_now_us() };

	if (!is_first && !s->o->new_token)
		return 0;
	if (!is_first && user == NULL)
		return error_set(
		    err, ERR_MISSING, "--new-token: there is no user " FIRST_LOGIN);
	token.user = is_first ? make_first_user(s) : user->row.id;
	registry_add_token(s->registry, &token, s->first_token, NULL, NULL);
	return 0;
}

static int
keep_first_token(struct server *s, struct error *err)
{
	cleanup_free char *line = xasprintf("%s\n", s->first_token);

	if (s->first_token[0] == '\0' || s->o->token_file == NULL)
		return 0;
	return path_write_file(s->o->token_file, line, strlen(line), 0600, err);
}

/* Its token lies in a file, so that a runner that outlived its server is known again. */
static int
own_runner_token(struct server *s, char **path, struct error *err)
{
	struct store_runner row = { .description = OWN_RUNNER,
		.run_untagged = true,
		.created_us = service_now_us() };
	cleanup_buf struct buf text = BUF_INIT;
	char token[SECRET_MAX];
	struct error ignored = ERROR_INIT;

	*path = path_join(s->data_dir, "keys/runner.token");
	if (buf_read_file(&text, *path, 256, &ignored) == 0) {
		text.data[strcspn(buf_str(&text), "\n")] = '\0';
		if (registry_runner_by_token(s->registry, text.data) != NULL)
			return 0;
	}
	registry_add_runner(s->registry, &row, token, NULL, NULL);
	return path_write_file(*path, token, strlen(token), 0600, err);
}

/* Where git looks for hooks: one of them, which is this release's program. */
static int
link_hook(struct server *s, struct error *err)
{
	cleanup_free char *link = path_join(s->data_dir, "hooks/post-receive");

	if (s->o->hook == NULL)
		return 0;
	(void)unlink(link);
	if (symlink(s->o->hook, link) < 0)
		return error_errno(err, "cannot make %s", link);
	return 0;
}

/* ---- listening
 * ------------------------------------------------------------------------------ */

static bool
is_known(const char *name)
{
	struct addrinfo *found = NULL;

	if (name[0] == '\0' || str_eq(name, "localhost") ||
	    getaddrinfo(name, NULL, NULL, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

/* Where nobody says how it is reached: nobody gets anywhere by 0.0.0.0. */
static char *
usual_url(const char *authority)
{
	bool is_any = str_starts(authority, "0.0.0.0:") || str_starts(authority, "[::]:");
	char name[HOST_NAME_MAX + 1] = "";

	if (!is_any || gethostname(name, sizeof(name) - 1) < 0 || !is_known(name))
		return xasprintf("http://%s", authority);
	return xasprintf("http://%s%s", name, strrchr(authority, ':'));
}

static int
listen_on(struct server *s, struct error *err)
{
	cleanup_free char *unix_address = NULL, *authority = NULL;
	int fd;

	if (http_listen_socket(s->o->settings->listen, &fd, err) < 0)
		return err->code;
	authority = http_socket_name(fd);
	if (http_server_listen(s->http, fd, err) < 0)
		return err->code;
	s->address = xasprintf("http://%s", authority);
	s->url = s->o->settings->url != NULL ? xstrdup(s->o->settings->url)
					     : usual_url(authority);
	s->socket = path_join(s->data_dir, "socket");
	unix_address = xasprintf("unix:%s", s->socket);
	if (http_listen_socket(unix_address, &fd, err) < 0)
		return err->code;
	return http_server_listen(s->http, fd, err);
}

static void
on_request(struct http_request *r, void *data)
{
	struct server *s = data;

	api_on_request(r, s->api);
}

/* What was pushed while nobody looked gets its pipelines now. */
static void
on_loaded(void *data, const struct error *err UNUSED)
{
	struct server *s = data;

	push_look_everywhere(s->service);
}

static void
keep_library(uv_work_t *work UNUSED)
{
	git_keep_library();
}

static int
start_serving(struct server *s, struct error *err)
{
	struct http_server_options http = { .on_request = on_request, .data = s };
	struct service_options service = { .loop = &s->loop,
		.store = s->store,
		.registry = s->registry,
		.logs = s->logs,
		.seal = s->seal,
		.data_dir = s->data_dir,
		.settings = s->o->settings };

	if (http_server_new(&s->loop, &http, &s->http, err) < 0 || listen_on(s, err) < 0)
		return err->code;
	service.server_url = s->url;
	service.socket = s->socket;
	s->service = service_new(&service);
	s->api = api_new(&s->loop, s->service);
	s->retention = retention_start(s->service, &s->loop);
	service_load(s->service, on_loaded, s);
	uv_queue_work(&s->loop, &s->library, keep_library, NULL);
	return 0;
}

static int
start_runner(struct server *s, struct error *err)
{
	cleanup_free char *token_file = NULL;
	cleanup_free char *repos = path_join(s->data_dir, "repos");
	cleanup_free char *jobs = path_join(s->data_dir, "jobs");
	struct own_runner_options o = { .loop = &s->loop,
		.program = s->o->runner,
		.url = s->url,
		.socket = s->socket,
		.repos_dir = repos,
		.state_dir = jobs,
		.name = OWN_RUNNER,
		.log_format = log_formats[s->o->settings->log_format],
		.executor = s->o->settings->runner.executor,
		.config = s->o->settings->runner.config,
		.concurrent = (int)s->o->settings->runner.jobs,
		.files = s->o->files };

	if (!s->o->settings->runner.enabled || s->o->runner == NULL)
		return 0;
	if (own_runner_token(s, &token_file, err) < 0)
		return err->code;
	o.token_file = token_file;
	s->runner = own_runner_start(&o);
	return 0;
}

/* What a newcomer needs: where it is, how to get in, how to push. */
static void
greet(const struct server *s)
{
	const char *host = strstr(s->url, "://") + strlen("://");

	printf("pawl server: %s (", s->address);
	if (!str_eq(s->address, s->url))
		printf("reached at %s, ", s->url);
	printf("data in %s)\n", s->data_dir);
	if (s->first_token[0] != '\0' && s->o->token_file == NULL)
		printf("\nAdministrator's token, shown this once: %s\n", s->first_token);
	if (s->first_token[0] != '\0')
		printf("\nTo push a repository you have:\n\n"
		       "    git remote add pawl %.*s" FIRST_LOGIN
		       ":%s@%s/GROUP/NAME.git\n"
		       "    git push pawl HEAD\n\n",
		    (int)(host - s->url), s->url,
		    s->o->token_file == NULL ? s->first_token : "TOKEN", host);
	(void)fflush(stdout);
}

static void
say_address(const struct server *s)
{
	if (str_eq(s->address, s->url))
		log_info("listening on %s", s->address);
	else
		log_info("listening on %s, reached at %s", s->address, s->url);
}

/* ---- the end
 * ---------------------------------------------------------------------------------- */

static void
on_signal(uv_signal_t *handle, int signum UNUSED)
{
	struct server *s = handle->data;

	if (s->signals++ > 0) {
		uv_stop(&s->loop);
		return;
	}
	log_info("draining: no new jobs; a second signal ends at once");
	uv_stop(&s->loop);
}

static void
watch_signals(struct server *s)
{
	uv_signal_init(&s->loop, &s->interrupt);
	uv_signal_init(&s->loop, &s->terminate);
	s->interrupt.data = s->terminate.data = s;
	uv_signal_start(&s->interrupt, on_signal, SIGINT);
	uv_signal_start(&s->terminate, on_signal, SIGTERM);
}

static void
on_deadline(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Who waits is answered, what is in hand comes to its end. */
static void
drain(struct server *s)
{
	uv_timer_t deadline;
	bool is_over = false;

	service_drain(s->service);
	own_runner_stop(s->runner);
	api_drain(s->api);
	uv_timer_init(&s->loop, &deadline);
	deadline.data = &is_over;
	uv_timer_start(&deadline, on_deadline, LEAVE_MS, 0);
	while (own_runner_is_running(s->runner) && !is_over && s->signals < 2)
		uv_run(&s->loop, UV_RUN_ONCE);
	is_over = false;
	uv_timer_start(&deadline, on_deadline, DRAIN_MS, 0);
	http_server_drain(s->http);
	api_drain(s->api);
	while (http_server_connections(s->http) > 0 && !is_over && s->signals < 2)
		uv_run(&s->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&deadline, NULL);
	uv_run(&s->loop, UV_RUN_NOWAIT);
}

/* Calls that wait for a program or the disk come to their end before what they use goes.
 */
static void
end_calls(struct server *s)
{
	uv_timer_t deadline;
	bool is_over = false;

	if (s->api == NULL)
		return;
	api_stop(s->api);
	http_server_free(take(s->http));
	uv_timer_init(&s->loop, &deadline);
	deadline.data = &is_over;
	uv_timer_start(&deadline, on_deadline, END_MS, 0);
	while ((!service_close(s->service) || !retention_stop(s->retention) ||
		   api_open_calls(s->api) > 0) &&
	    !is_over)
		uv_run(&s->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&deadline, NULL);
	uv_run(&s->loop, UV_RUN_NOWAIT);
}

static void
stop(struct server *s)
{
	end_calls(s);
	uv_close((uv_handle_t *)&s->interrupt, NULL);
	uv_close((uv_handle_t *)&s->terminate, NULL);
	own_runner_free(s->runner);
	retention_free(s->retention);
	http_server_free(s->http);
	store_close(s->store); /* what was told is on disk; what was not, is now */
	service_free(s->service);
	api_free(s->api);
	log_store_close(s->logs);
	registry_free(s->registry);
	seal_close(s->seal);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&s->loop) < 0)
		log_warn("something was still open at the end");
	if (s->socket != NULL)
		(void)unlink(s->socket);
	cleanup_close_fd(&s->lock_fd);
	free(s->address);
	free(s->url);
	free(s->socket);
	free(s->data_dir);
}

int
server_run(const struct server_options *options, struct error *err)
{
	struct server s = { .o = options, .lock_fd = -1 };
	int rc = uv_loop_init(&s.loop);

	if (rc < 0)
		return error_set(err, ERR_FOREIGN, "%s", uv_strerror(rc));
	watch_signals(&s);
	if (make_folders(&s, err) == 0 && lock_data(&s, err) == 0 &&
	    link_hook(&s, err) == 0 && open_data(&s, err) == 0) {
		/* who failed to start has shown no token, and has made none */
		if (start_serving(&s, err) == 0 && make_first_token(&s, err) == 0 &&
		    keep_first_token(&s, err) == 0 && start_runner(&s, err) == 0) {
			greet(&s);
			say_address(&s);
			uv_run(&s.loop, UV_RUN_DEFAULT);
			drain(&s);
		}
	}
	stop(&s);
	if (err->code == 0) /* else the error is the last word */
		log_info("ended");
	return err->code;
}
