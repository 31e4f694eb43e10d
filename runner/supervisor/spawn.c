/* Starting a step's shell. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/supervisor/procs.h"
#include "runner/supervisor/usage.h"

/* The kernel takes no single argument above 128 KiB; a longer script comes as a file. */
#define ARGUMENT_MAX (100u << 10)
#define STRING_MAX (128u << 10)
#define SCRIPT_FD 9 /* one digit, as POSIX shells want it */
#define CLOSE_SCRIPT "exec 9<&-\n"

/* A file in memory that closes itself as soon as the shell reads it. */
static int
script_file(const struct bytes *script, struct error *err)
{
	cleanup_close int fd = memfd_create("script", MFD_CLOEXEC);
	int high;

	if (fd < 0 || path_write_fd(fd, CLOSE_SCRIPT, strlen(CLOSE_SCRIPT)) < 0 ||
	    path_write_fd(fd, script->data, script->len) < 0)
		return error_errno(err, "cannot hold the script in memory");
	/* not where become_shell() wants it: dup2 to itself would leave it close-on-exec
	 */
	high = fcntl(fd, F_DUPFD_CLOEXEC, SCRIPT_FD + 1);
	return high >= 0 ? high : error_errno(err, "cannot hold the script in memory");
}

struct launch {
	char **argv, **env;
	int output, script;
	const struct cgroup *group;
	bool joins_all;
	volatile int failed; /* errno of exec; the child shares our memory */
};

/* In the child, on our stack and memory: system calls only. */
static NORETURN __attribute__((noinline)) void
become_shell(struct launch *launch)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC); /* its number may be any */
	sigset_t none;

	setsid();
	if (!cgroup_join(launch->group, launch->joins_all) || null < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(launch->output, STDOUT_FILENO) < 0 ||
	    dup2(launch->output, STDERR_FILENO) < 0 ||
	    (launch->script >= 0 && dup2(launch->script, SCRIPT_FD) < 0)) {
		launch->failed = errno;
		_exit(127);
	}
	(void)signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(launch->argv[0], launch->argv, launch->env);
	launch->failed = errno;
	_exit(127);
}

/* The biggest entry is most often what was too much. */
static int
explain_failure(const struct launch *launch, struct error *err)
{
	size_t total = 0, largest = 0;
	const char *name = "";

	errno = launch->failed;
	if (errno != E2BIG)
		return error_errno(err, "cannot start %s", launch->argv[0]);
	for (size_t i = 0; launch->env[i] != NULL; i++) {
		size_t len = strlen(launch->env[i]) + 1;

		total += len;
		if (len > largest) {
			largest = len;
			name = launch->env[i];
		}
	}
	return error_set(err, -E2BIG,
	    "cannot start %s: the variables are too large: %zu bytes in all, %zu of them in %.*s"
	    " (the system allows %u for one); a variable of type file has no such limit",
	    launch->argv[0], total, largest, (int)strcspn(name, "="), name, STRING_MAX);
}

static int
launch_shell(struct supervision *s, struct launch *launch, struct error *err)
{
	/* half the time of fork(), and become_shell() knows where it runs */
	pid_t pid = cgroup_vfork(launch->group);

	if (pid == 0)
		become_shell(launch);
	if (pid < 0) {
		launch->joins_all = true;
		pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
	}
	if (pid == 0)
		become_shell(launch); /* NOLINT(clang-analyzer-unix.Vfork) */
	if (pid < 0)
		return error_errno(err, "cannot start a process");
	s->shell = pid;
	s->step_runs = true;
	s->childless = false;
	if (launch->failed != 0)
		return explain_failure(launch, err);
	return 0;
}

/* Each string malloced. */
static char **
shell_argv(const struct strlist *shell, const struct spec_step *step, bool from_file)
{
	char **argv = xcalloc(shell->count + 4, sizeof(*argv));
	size_t n = 0;

	for (size_t i = 0; i < shell->count; i++)
		argv[n++] = xstrdup(shell->items[i]);
	if (n == 0) /* whatever shell is there */
		argv[n++] = xstrdup("");
	argv[n++] = xstrdup("-c");
	argv[n] = from_file ? xstrdup(". /proc/self/fd/9")
			    : xstrndup(step->script.data, step->script.len);
	return argv;
}

int
supervision_spawn(struct supervision *s, const struct spec_step *step, struct error *err)
{
	const struct strlist *shell = &s->spec.cage.shell;
	struct launch launch = { .output = s->output_end, .script = -1 };
	cleanup_close int script = -1;
	int rc;

	if (step->script.len > ARGUMENT_MAX) {
		script = script_file(&step->script, err);
		if (script < 0)
			return script;
	}
	launch.argv = shell_argv(shell, step, script >= 0);
	launch.env = supervision_environment(s, step);
	launch.script = script;
	launch.group = usage_group(s);
	rc = s->spec.cage.argv.count > 0
	    ? cage_run(s, launch.argv, launch.env, script, err)
	    : launch_shell(s, &launch, err);
	supervision_free_strings(launch.env);
	supervision_free_strings(launch.argv);
	return rc;
}
