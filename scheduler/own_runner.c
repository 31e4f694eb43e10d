/* Starting pawl-runner, and starting it again. */
#include "scheduler/own_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"

#define AGAIN_MS 1000
#define WRONG_SETTINGS 2 /* its exit code, as that of all of pawl's commands */

struct own_runner {
	uv_process_t process;
	uv_timer_t again; /* to look whether it has to be started */
	char *argv[24];
	char *lock;
	struct rlimit files;
	bool is_running, is_stopping;
	int open_handles;
};

static void on_again(uv_timer_t *timer);

static void
release(uv_handle_t *handle)
{
	struct own_runner *r = handle->data;

	if (--r->open_handles > 0)
		return;
	for (size_t i = 0; r->argv[i] != NULL; i++)
		free(r->argv[i]);
	free(r->lock);
	free(r);
}

/* Somebody holds its lock: the runner of a server that is gone. */
static bool
is_alive(const struct own_runner *r)
{
	cleanup_close int fd = open(r->lock, O_RDWR | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* What it has written into its lock, while it holds that; 0: there is none. */
static pid_t
found_pid(const struct own_runner *r)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	int64_t pid = 0;

	if (!is_alive(r) || buf_read_file(&text, r->lock, 32, &ignored) < 0)
		return 0;
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[text.len - 1] = '\0';
	return str_to_int64(buf_str(&text), &pid) && pid > 1 ? (pid_t)pid : 0;
}

static void
on_runner_exit(uv_process_t *process, int64_t status, int signal)
{
	struct own_runner *r = process->data;

	r->is_running = false;
	uv_close((uv_handle_t *)process, release);
	if (r->is_stopping)
		return;
	if (status == WRONG_SETTINGS) {
		log_error("the runner cannot start: what it said above has to be mended, "
			  "then the server started again");
		return;
	}
	if (status != 0 || signal != 0)
		log_warn("the runner ended (status %d, signal %d); starting it again",
		    (int)status, signal);
	uv_timer_start(&r->again, on_again, AGAIN_MS, 0);
}

static void
start(struct own_runner *r)
{
	uv_stdio_container_t files[] = { { .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = 1 },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 } };
	/* a session of its own: what ends the server from a terminal is not for it */
	uv_process_options_t o = { .file = r->argv[0],
		.args = r->argv,
		.flags = UV_PROCESS_DETACHED,
		.stdio = files,
		.stdio_count = ARRAY_LEN(files),
		.exit_cb = on_runner_exit };
	int rc;

	r->process.data = r;
	rc = uv_spawn(r->again.loop, &r->process, &o);
	r->open_handles++;
	if (rc < 0) {
		log_error("cannot start %s: %s", r->argv[0], uv_strerror(rc));
		uv_close((uv_handle_t *)&r->process, release);
		uv_timer_start(&r->again, on_again, AGAIN_MS, 0);
		return;
	}
	/* some programs that jobs start cannot bear more than a thousand */
	(void)prlimit(r->process.pid, RLIMIT_NOFILE, &r->files, NULL);
	r->is_running = true;
}

static void
on_again(uv_timer_t *timer)
{
	struct own_runner *r = timer->data;

	if (is_alive(r))
		uv_timer_start(&r->again, on_again, AGAIN_MS, 0);
	else
		start(r);
}

static void
set_arguments(struct own_runner *r, const struct own_runner_options *o)
{
	const char *const pairs[][2] = { { "--url", o->url }, { "--unix", o->socket },
		{ "--token-file", o->token_file }, { "--repos", o->repos_dir },
		{ "--state", o->state_dir }, { "--name", o->name },
		{ "--log-format", o->log_format } };
	size_t n = 0;

	r->argv[n++] = xstrdup(o->program);
	r->argv[n++] = xstrdup("run");
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		r->argv[n++] = xstrdup(pairs[i][0]);
		r->argv[n++] = xstrdup(pairs[i][1]);
	}
	if (o->config != NULL) {
		r->argv[n++] = xstrdup("--config");
		r->argv[n++] = xstrdup(o->config);
	}
	if (o->executor != NULL) {
		r->argv[n++] = xstrdup("--executor");
		r->argv[n++] = xstrdup(o->executor);
	}
	if (o->concurrent > 0) {
		r->argv[n++] = xstrdup("--concurrent");
		r->argv[n++] = xasprintf("%d", o->concurrent);
	}
}

struct own_runner *
own_runner_start(const struct own_runner_options *o)
{
	struct own_runner *r = xcalloc(1, sizeof(*r));

	set_arguments(r, o);
	r->files = o->files;
	r->lock = path_join(o->state_dir, "lock");
	uv_timer_init(o->loop, &r->again);
	r->again.data = r;
	r->open_handles = 1;
	on_again(&r->again);
	return r;
}

void
own_runner_stop(struct own_runner *r)
{
	if (r == NULL)
		return;
	r->is_stopping = true;
	uv_timer_stop(&r->again);
	if (r->is_running) {
		uv_process_kill(&r->process, SIGTERM);
	} else {
		const pid_t found = found_pid(r); /* an earlier server's */

		if (found > 0)
			(void)kill(found, SIGTERM);
	}
}

bool
own_runner_is_running(const struct own_runner *r)
{
	return r != NULL && r->is_running;
}

void
own_runner_free(struct own_runner *r)
{
	if (r == NULL)
		return;
	r->is_stopping = true;
	if (r->is_running)
		uv_close((uv_handle_t *)&r->process, release);
	uv_close((uv_handle_t *)&r->again, release);
}
