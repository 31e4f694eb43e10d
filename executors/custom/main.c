/*
 * pawl-custom: stands where a cage's pawl-init would, and has the steps of a job run by
 * a driver: config, prepare, then run for each step, and cleanup when its socket has
 * ended, whatever happened before. Started by a job's supervisor (executors/cage.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "executors/cage.h"
#include "executors/custom/driver.h"
#include "executors/init/packet.h"
#include "executors/stand_in.h"

#define TRIES 3 /* of prepare; runner-protocol.md section 10.1 */
#define PAUSE_S 1
#define CODE_MAX 64
#define SCRIPT_MAX ((size_t)256 << 20)

/* How a job is told that it cannot go on: by its next step. */
struct verdict {
	bool is_build_failure;
	char text[240];
};

/* ---- the beginning --------------------------------------------------------- */

static int
read_orders(struct custom *c, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (stand_in_orders(&text, err) < 0)
		return err->code;
	return custom_orders_read(buf_str(&text), text.len, &c->orders, err);
}

/* Scripts hold secrets: they lie where file variables do, in memory. */
static int
make_folders(struct custom *c, struct error *err)
{
	cleanup_free char *response = NULL;
	const char *files = getenv(CAGE_FILES_VARIABLE);

	c->dir = path_join(files != NULL ? files : "/nowhere", "driver");
	response = path_join(c->dir, "response.json");
	if (mkdir(c->dir, 0700) < 0)
		return error_errno(err, "cannot create %s", c->dir);
	if (mkdir(c->orders.temp_dir, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot create %s", c->orders.temp_dir);
	return path_write_file(
	    response, c->orders.response, strlen(c->orders.response), 0600, err);
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- how a program of the driver ended ------------------------------------- */

static void
judge(struct verdict *v, const char *what, enum driver_end end, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	v->is_build_failure = end == DRIVER_EXITED && code == BUILD_FAILURE;
	if (end == DRIVER_TIMED_OUT)
		(void)snprintf(v->text, sizeof(v->text),
		    "the driver's %s took longer than it may", what);
	else if (end == DRIVER_STOPPED)
		(void)snprintf(
		    v->text, sizeof(v->text), "the driver's %s was stopped", what);
	else if (code == BUILD_FAILURE || code == SYSTEM_FAILURE)
		(void)snprintf(v->text, sizeof(v->text),
		    "the driver's %s says that %s has failed (exit code %d)", what,
		    code == BUILD_FAILURE ? "the job" : "the system", code);
	else if (code >= 0)
		(void)snprintf(v->text, sizeof(v->text),
		    "the driver's %s ended with exit code %d, which is neither "
		    "BUILD_FAILURE_EXIT_CODE nor SYSTEM_FAILURE_EXIT_CODE",
		    what, code);
	else
		(void)snprintf(v->text, sizeof(v->text),
		    "the driver's %s was ended by signal %d", what, WTERMSIG(status));
}

/* True when it is not there or all is well. */
static bool
call(struct custom *c, const char *what, const struct driver_call *how, struct verdict *v)
{
	struct error err = ERROR_INIT;
	enum driver_end end;
	int status;

	if (how->argv->count == 0)
		return true;
	if (driver_call(c, how, &end, &status, &err) < 0) {
		(void)snprintf(v->text, sizeof(v->text), "%.200s", err.msg);
		return false;
	}
	if (end == DRIVER_EXITED && status == 0)
		return true;
	judge(v, what, end, status);
	return false;
}

static bool
configure(struct custom *c, struct verdict *v)
{
	cleanup_buf struct buf said = BUF_INIT;
	struct driver_call how = { .argv = &c->orders.config,
		.output = &said,
		.timeout_ms = c->orders.config_ms };
	struct error err = ERROR_INIT;

	if (!call(c, "config", &how, v))
		return false;
	if (driver_read_config(c, &said, &err) < 0) {
		(void)snprintf(v->text, sizeof(v->text), "%.230s", err.msg);
		return false;
	}
	if (c->orders.builds_dir == NULL) {
		(void)snprintf(v->text, sizeof(v->text),
		    "it is not known where jobs work: neither builds_dir of the settings "
		    "nor the driver's config says it");
		return false;
	}
	driver_choose_place(c);
	return true;
}

static bool
prepare(struct custom *c, struct verdict *v)
{
	const struct driver_call how = { .argv = &c->orders.prepare,
		.timeout_ms = c->orders.prepare_ms };

	for (int i = 1;; i++) {
		if (call(c, "prepare", &how, v))
			return true;
		if (i == TRIES || v->is_build_failure || c->is_gone)
			return false;
		(void)dprintf(STDOUT_FILENO, "WARNING: %s; it is tried again\n", v->text);
		sleep(PAUSE_S);
	}
}

/* ---- steps ----------------------------------------------------------------- */

/* The names GitLab's runner has for them. */
static const char *
stage_of(const char *step, bool has_failed, char *room, size_t size)
{
	if (str_eq(step, "script"))
		return "build_script";
	if (str_eq(step, "pre_get_sources_script") ||
	    str_eq(step, "post_get_sources_script"))
		return "get_sources";
	if (str_eq(step, "archive_cache") && has_failed)
		return "archive_cache_on_failure";
	if (str_eq(step, "prepare_script") || str_eq(step, "get_sources") ||
	    str_eq(step, "restore_cache") || str_eq(step, "archive_cache") ||
	    str_eq(step, "after_script"))
		return step;
	(void)snprintf(room, size, "step_%s", step);
	return room;
}

static bool
job_has_failed(const struct init_step *step)
{
	for (char *const *entry = step->env; *entry != NULL; entry++)
		if (str_eq(*entry, "CI_JOB_STATUS=failed"))
			return true;
	return false;
}

static int
build_exit_code(const struct custom *c)
{
	cleanup_free char *path = path_join(c->dir, "exit_code");
	cleanup_buf struct buf text = BUF_INIT;
	int64_t code;

	if (buf_read_file(&text, path, CODE_MAX, NULL) < 0)
		return BUILD_FAILURE;
	while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL)
		text.data[--text.len] = '\0';
	return str_to_int64(buf_str(&text), &code) && code > 0 && code < 256
	    ? (int)code
	    : BUILD_FAILURE;
}

static void
tell_end(const struct custom *c, const char *stage, enum driver_end end, int status)
{
	struct verdict v = { .is_build_failure = false };

	if (status == 0 && end == DRIVER_EXITED)
		(void)init_tell(c->socket, INIT_EXITED, 0, 0, "");
	else if (end != DRIVER_EXITED) /* the supervisor knows why */
		(void)init_tell(c->socket, INIT_EXITED, 0, status, "");
	else {
		cleanup_free char *what = xasprintf("run (%s)", stage);

		judge(&v, what, end, status);
		if (v.is_build_failure)
			(void)init_tell(
			    c->socket, INIT_EXITED, 0, build_exit_code(c) << 8, "");
		else
			(void)init_tell(c->socket, INIT_FAILED, 0, 0, v.text);
	}
}

static int
write_script(const struct custom *c, const char *stage, const struct init_step *step,
    int file, const char *path, struct error *err)
{
	cleanup_buf struct buf command = BUF_INIT, text = BUF_INIT;
	size_t last = 0;

	while (step->argv[last] != NULL && step->argv[last + 1] != NULL)
		last++;
	if (file < 0)
		buf_add_str(&command, step->argv[last] != NULL ? step->argv[last] : "");
	else if (buf_read_fd(&command, file, SCRIPT_MAX, err) < 0)
		return err->code;
	driver_write_script(c, stage, step->env, buf_str(&command), &text);
	return path_write_file(path, buf_str(&text), text.len, 0700, err);
}

static int
run_stage(struct custom *c, const char *stage, const struct init_step *step, int file,
    struct error *err)
{
	cleanup_free char *path = xasprintf("%s/%s", c->dir, stage);
	cleanup_free char *code = path_join(c->dir, "exit_code");
	struct driver_call how = { .argv = &c->orders.run, .more = { path, stage } };
	enum driver_end end;
	int status;

	(void)unlink(code);
	if (strchr(stage, '/') != NULL)
		return error_set(err, ERR_INVALID, "a step of that name cannot be run");
	if (file >= 0 && lseek(file, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot read the script");
	if (write_script(c, stage, step, file, path, err) < 0 ||
	    driver_call(c, &how, &end, &status, err) < 0)
		return err->code;
	tell_end(c, stage, end, status);
	return 0;
}

static void
on_run(struct custom *c, const char *name, const int files[INIT_FILES],
    const struct verdict *v)
{
	struct init_step step = { .memory = NULL };
	struct error err = ERROR_INIT;
	const char *stage;
	char room[260];

	if (v->is_build_failure)
		(void)init_tell(c->socket, INIT_EXITED, 0, BUILD_FAILURE << 8, "");
	else if (v->text[0] != '\0')
		(void)init_tell(c->socket, INIT_FAILED, 0, 0, v->text);
	else if (files[0] < 0 || !init_step_read(files[0], &step))
		(void)init_tell(c->socket, INIT_FAILED, 0, 0, "cannot read what to run");
	else {
		stage = stage_of(name, job_has_failed(&step), room, sizeof(room));
		if (run_stage(c, stage, &step, files[1], &err) < 0)
			(void)init_tell(c->socket, INIT_FAILED, 0, 0, err.msg);
	}
	(void)init_tell(c->socket, INIT_ALONE, 0, 0, "");
	init_step_clear(&step);
}

static void
serve(struct custom *c, const struct verdict *v)
{
	while (!c->is_gone) {
		struct init_message m = { .type = 0 };
		int files[INIT_FILES];

		c->is_gone = !init_receive(c->socket, &m, files);
		m.text[sizeof(m.text) - 1] = '\0';
		if (!c->is_gone && m.type == INIT_RUN)
			on_run(c, m.text, files, v);
		for (int i = 0; i < INIT_FILES; i++)
			if (files[i] >= 0)
				close(files[i]);
	}
}

/* ---- the end --------------------------------------------------------------- */

/* Also when config has not worked, or nothing was prepared: only the driver knows. */
static void
tidy_up(struct custom *c)
{
	const struct driver_call how = { .argv = &c->orders.cleanup,
		.is_quiet = true,
		.timeout_ms = c->orders.cleanup_ms };
	struct verdict v = { .is_build_failure = false };
	struct error err = ERROR_INIT;

	c->is_gone = true;
	if (!call(c, "cleanup", &how, &v))
		(void)dprintf(STDOUT_FILENO,
		    "\033[0;33mWARNING: %s; something of the job may be left\033[0;m\n",
		    v.text);
	if (path_remove_tree(AT_FDCWD, c->orders.temp_dir, &err) < 0 ||
	    path_remove_tree(AT_FDCWD, c->dir, &err) < 0)
		(void)dprintf(STDOUT_FILENO, "\033[0;33mWARNING: %s\033[0;m\n", err.msg);
}

static void
work(struct custom *c)
{
	struct verdict v = { .is_build_failure = false };

	/* what cannot go on is told by the first step: it says why in the job's verdict
	 */
	if (configure(c, &v))
		(void)prepare(c, &v);
	if (!c->is_gone && init_tell(c->socket, INIT_READY, 0, 0, ""))
		serve(c, &v);
	tidy_up(c);
}

static void
clear(struct custom *c)
{
	custom_orders_clear(&c->orders);
	strlist_clear(&c->env);
	strlist_clear(&c->job_env);
	free(c->place);
	free(c->dir);
	free(c->shell);
}

int
main(int argc, char **argv)
{
	struct custom c = { .orders = CUSTOM_ORDERS_INIT, .socket = INIT_SOCKET_FD };
	struct error err = ERROR_INIT;
	int rc = 0;

	if (!stand_in_begin(argc, argv))
		return 125;
	c.signals = open_signals();
	if (c.signals < 0 || read_orders(&c, &err) < 0 ||
	    stand_in_hello(c.socket, &c.env, &err) < 0 || make_folders(&c, &err) < 0) {
		(void)fprintf(stderr, "pawl-custom: %s\n", err.msg);
		rc = 125;
	} else {
		work(&c);
	}
	clear(&c);
	return rc;
}
