/* Folders and repositories for tests. */
#include "tests/unit/fixture.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "base/process.h"

char *
fixture_open(void)
{
	const char *tmp = getenv("TMPDIR");
	cleanup_free char *path =
	    xasprintf("%s/pawl-test-XXXXXX", tmp == NULL ? "/tmp" : tmp);

	ck_assert_msg(mkdtemp(path) != NULL, "cannot make a folder like %s", path);
	return realpath(path, NULL);
}

void
fixture_close(char *root)
{
	struct error err = ERROR_INIT;

	if (root != NULL && path_remove_tree(AT_FDCWD, root, &err) < 0)
		ck_abort_msg("%s", err.msg);
	free(root);
}

static char *run(const char *dir, const char *fmt, va_list ap) PRINTF(2, 0);

static char *
run(const char *dir, const char *fmt, va_list ap)
{
	cleanup_free char *script = xvasprintf(fmt, ap);
	const char *argv[] = { "sh", "-ec", script, NULL };
	struct process p = { .argv = argv, .cwd = dir };
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;

	if (process_run(&p, &out, NULL, &err) < 0)
		ck_abort_msg("%s: %s", script, err.msg);
	if (out.len > 0 && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	return buf_take(&out);
}

void
fixture_sh(const char *dir, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	free(run(dir, fmt, ap));
	va_end(ap);
}

char *
fixture_ask(const char *dir, const char *fmt, ...)
{
	va_list ap;
	char *out;

	va_start(ap, fmt);
	out = run(dir, fmt, ap);
	va_end(ap);
	return out;
}

bool
fixture_can_mount(void)
{
	int status = -1;
	pid_t pid = fork();

	/* the same right is asked for, and nothing comes of it */
	if (pid == 0)
		_exit(unshare(CLONE_NEWNS) == 0 ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}

bool
fixture_has_ids(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = memfd_create("theirs", MFD_CLOEXEC);

		_exit(fd >= 0 && fchown(fd, 65534, 65534) == 0 && seteuid(65534) == 0
			? 0
			: 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}
