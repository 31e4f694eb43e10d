/* Real jobs for tests. */
#include "tests/unit/supervised.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/overlay.h"
#include "runner/supervisor/procs.h"

static bool is_forked; /* of the tests that run */

static void
start_programs(void)
{
	is_forked = false;
}

static void
fork_them(void)
{
	is_forked = true;
}

int
supervised_main(const char *name, double timeout_s, void (*add)(TCase *tc))
{
	static void (*const ways[])(void) = { start_programs, fork_them };
	static const char *const names[] = { "started", "forked" };
	Suite *suite = suite_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		TCase *tc = tcase_create(names[i]);

		tcase_add_checked_fixture(tc, ways[i], NULL);
		tcase_set_timeout(tc, timeout_s);
		add(tc);
		suite_add_tcase(suite, tc);
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

static void
on_step(struct supervisor *s, unsigned step, void *data)
{
	struct supervised *t = data;

	(void)s;
	(void)step;
	t->steps_seen++;
}

static void
on_trace(struct supervisor *s, uint64_t bytes, void *data)
{
	struct supervised *t = data;

	(void)s;
	ck_assert_uint_ge(bytes, t->told_bytes);
	t->told_bytes = bytes;
}

static void
on_done(struct supervisor *s, const struct supervisor_result *result, void *data)
{
	struct supervised *t = data;

	ck_assert(!t->done);
	t->done = true;
	t->result = *result;
	supervisor_free(s);
	t->supervisor = NULL;
}

static void
describe(struct supervised *t)
{
	struct spec *spec = &t->spec;

	*spec = (struct spec)SPEC_INIT;
	spec->job_dir = t->dir.path;
	spec->trace = t->trace_path;
	spec->marker = t->dir.marker;
	spec->mode = SPEC_PLAIN;
	spec->project_dir = t->project_dir;
	spec->grace_ms = 2000;
	spec->tied = true;
	strlist_add(&spec->cage.shell, "/bin/bash");
	strlist_add(&spec->env, "PATH=/usr/local/bin:/usr/bin:/bin");
}

void
supervised_init(struct supervised *t)
{
	struct error err = ERROR_INIT;
	const char *tmp = getenv("TMPDIR");
	cleanup_free char *jobs = NULL;

	*t = (struct supervised){ .dir = JOBDIR_INIT };
	if (is_forked)
		t->launcher = launcher_new(true);
	ck_assert_int_eq(uv_loop_init(&t->loop), 0);
	t->root = path_join(tmp == NULL ? "/tmp" : tmp, "supervised-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t->root));
	jobs = path_join(t->root, "jobs");
	t->project_dir = path_join(t->root, "project");
	ck_assert_int_eq(mkdir(jobs, 0755), 0);
	ck_assert_int_eq(mkdir(t->project_dir, 0755), 0);
	if (jobdir_create(jobs, "1", &t->dir, &err) < 0)
		ck_abort_msg("%s", err.msg);
	t->trace_path = path_join(t->root, "trace");
	describe(t);
	t->events = (struct supervisor_events){
		.on_step = on_step, .on_trace = on_trace, .on_done = on_done, .data = t
	};
}

bool
supervised_can_mount(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		struct error err = ERROR_INIT;

		_exit(overlay_unshare(geteuid() != 0, &err) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (status != 0)
		printf("skipped: no mount namespace for this user\n");
	return status == 0;
}

void
supervised_use_overlay(struct supervised *t)
{
	struct error err = ERROR_INIT;

	t->upper = path_join(t->dir.path, "upper");
	t->work = path_join(t->dir.path, "work");
	if (path_mkdirs(t->upper, 0755, &err) < 0 || path_mkdirs(t->work, 0755, &err) < 0)
		ck_abort_msg("%s", err.msg);
	t->spec.mode = SPEC_OVERLAY;
	t->spec.userns = geteuid() != 0;
	t->spec.upper = t->upper;
	t->spec.work = t->work;
}

void
supervised_add_lower(struct supervised *t, const char *layer)
{
	strlist_add_take(&t->spec.lowers, path_join(t->root, layer));
}

char *
supervised_put_file(
    const struct supervised *t, const char *layer, const char *file, const char *text)
{
	cleanup_free char *folder = path_join(t->root, layer);
	char *path = path_join(folder, file);
	struct error err = ERROR_INIT;

	if (path_mkdirs(folder, 0755, &err) < 0 ||
	    path_write_file(path, text, strlen(text), 0644, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return path;
}

struct spec_step *
supervised_add_step(struct supervised *t, const char *name, const char *const *items)
{
	struct spec_step *step = spec_add_step(&t->spec, name);
	struct buf *script = &t->scripts[t->spec.step_count - 1];
	size_t count = 0;

	while (items[count] != NULL)
		count++;
	script_build(items, count, false, script, &step->items);
	step->script = (struct bytes){ script->data, script->len };
	return step;
}

struct spec_step *
supervised_add_script(struct supervised *t, const char *item)
{
	const char *const items[] = { item, NULL };

	return supervised_add_step(t, "script", items);
}

void
supervised_start(struct supervised *t)
{
	t->supervisor = supervisor_new(&t->loop, t->launcher, &t->events);
	supervisor_start(t->supervisor, &t->spec, t->dir.lock_fd);
	close(take_fd(&t->dir.lock_fd));
}

static void
read_trace(struct supervised *t)
{
	buf_reset(&t->trace);
	if (buf_read_file(&t->trace, t->trace_path, (size_t)1 << 30, NULL) < 0)
		buf_reset(&t->trace);
}

void
supervised_wait(struct supervised *t)
{
	uv_run(&t->loop, UV_RUN_DEFAULT);
	ck_assert(t->done);
	read_trace(t);
}

void
supervised_run(struct supervised *t)
{
	supervised_start(t);
	supervised_wait(t);
}

void
supervised_await_log(struct supervised *t, const char *text)
{
	do {
		ck_assert_msg(!t->done, "the log never held \"%s\"", text);
		uv_run(&t->loop, UV_RUN_ONCE);
		read_trace(t);
	} while (strstr(buf_str(&t->trace), text) == NULL);
}

bool
supervised_left_nothing(const struct supervised *t)
{
	cleanup_pids struct pids all = PIDS_INIT;
	size_t left = 0;

	procs_all(&all);
	for (size_t i = 0; i < all.count; i++)
		left += procs_mark_of(all.items[i], t->dir.marker) == PROCS_MARKED;
	return left == 0;
}

static void
print_file(pid_t pid, const char *name)
{
	cleanup_buf struct buf text = BUF_INIT;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if (buf_read_file(&text, path, (size_t)1 << 20, NULL) < 0)
		return;
	for (size_t i = 0; i < text.len; i++)
		putchar(text.data[i] == '\0' ? ' ' : text.data[i]);
	putchar('\n');
}

void
supervised_print_left(const struct supervised *t)
{
	cleanup_pids struct pids all = PIDS_INIT;

	procs_all(&all);
	for (size_t i = 0; i < all.count; i++) {
		if (procs_mark_of(all.items[i], t->dir.marker) != PROCS_MARKED)
			continue;
		printf("left: process %ld\n", (long)all.items[i]);
		print_file(all.items[i], "stat");
		print_file(all.items[i], "cmdline");
	}
	(void)fflush(stdout);
}

void
supervised_await_unlock(const struct supervised *t)
{
	cleanup_free char *path = path_join(t->dir.path, "lock");

	for (int i = 0; i < 2000; i++) {
		cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);

		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
			return;
		usleep(5000);
	}
	ck_abort_msg("%s is still held", path);
}

void
supervised_clear(struct supervised *t)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(uv_loop_close(&t->loop), 0);
	launcher_free(t->launcher);
	if (path_remove_tree(AT_FDCWD, t->root, &err) < 0)
		ck_abort_msg("%s", err.msg);
	spec_clear(&t->spec);
	for (size_t i = 0; i < ARRAY_LEN(t->scripts); i++)
		buf_clear(&t->scripts[i]);
	buf_clear(&t->trace);
	jobdir_clear(&t->dir);
	free(t->upper);
	free(t->work);
	free(t->trace_path);
	free(t->project_dir);
	free(t->root);
}

void
supervised_await_file(const char *path, bool exists)
{
	for (int i = 0; i < 1000 && (access(path, F_OK) == 0) != exists; i++)
		usleep(10000);
	ck_assert_msg((access(path, F_OK) == 0) == exists, "%s is %s", path,
	    exists ? "not there" : "still there");
}

/* Another process runs the job, until it is killed. */
pid_t
supervised_run_elsewhere(struct supervised *t)
{
	pid_t pid = fork();

	if (pid == 0) {
		uv_loop_fork(&t->loop);
		supervised_start(t);
		uv_run(&t->loop, UV_RUN_DEFAULT);
		_exit(0);
	}
	close(take_fd(&t->dir.lock_fd)); /* the other one has it */
	return pid;
}

/* The supervisor gives up its lock shortly before it is gone itself. */
void
supervised_await_end(const struct supervised *t)
{
	supervised_await_unlock(t);
	for (int i = 0; i < 200 && !supervised_left_nothing(t); i++)
		usleep(5000);
}

void
supervised_kill_and_reap(pid_t pid)
{
	int status;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}
