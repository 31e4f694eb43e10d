/* What of this machine a sandboxed job sees. */
#include "executors/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/overlay.h"
#include "base/path.h"
#include "executors/container/services.h"
#include "executors/init/init.h"
#include "executors/init/program.h"
#include "executors/private_files.h"
#include "executors/sandbox_filter.h"
#include "executors/shell.h"

#define BWRAP "/usr/bin/bwrap"
#define INIT_INSIDE "/run/pawl-init"

/* The system: what is there is shown, read-only. */
static const char *const system_dirs[] = { "/usr", "/etc", "/opt", "/nix/store", "/gnu",
	"/var/lib/dpkg", "/var/lib/apt", "/var/lib/rpm", "/var/lib/pacman",
	"/var/cache/fontconfig", "/run/systemd/resolve", "/sys/block", "/sys/bus",
	"/sys/class", "/sys/dev", "/sys/devices" };

/* Links into /usr on most machines, folders on some. */
static const char *const root_dirs[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64",
	"/libx32" };

/*
 * Root without a capability is still the owner of these: a write to
 * /proc/sys/kernel/core_pattern would start a program of the job's outside. Bubblewrap
 * covers what access(2) calls writable, which for root in there is too little.
 */
static const char *const machine_files[] = { "/proc/acpi", "/proc/asound", "/proc/bus",
	"/proc/fs", "/proc/irq", "/proc/mtrr", "/proc/pressure", "/proc/scsi",
	"/proc/sys", "/proc/sysrq-trigger" };

/*
 * Nobody's business, though below /etc: by whomever it may be read. Patterns of glob(3).
 * What root alone may read, and a sandbox that root starts would show, is looked for
 * besides, from time to time.
 */
static const char *const hidden[] = { "/etc/shadow*", "/etc/gshadow*", "/etc/sudoers*",
	"/etc/ssh/*_key", "/etc/ssl/private", "/etc/pawl*", "/etc/gitlab-runner",
	"/etc/docker", "/etc/krb5.keytab", "/etc/NetworkManager/system-connections",
	"/etc/wireguard" };

/* Where settings lie that root alone may read. */
static const char *const settings_dirs[] = { "/etc", "/usr/local/etc" };
#define PRIVATE_S 10

/* ---- can it work ----------------------------------------------------------- */

/* In a child: the namespaces are its own. */
static bool
may_unshare(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct error ignored = ERROR_INIT;

		if (overlay_unshare(true, &ignored) < 0 ||
		    overlay_tmpfs("pawl", "/tmp", &ignored) < 0)
			_exit(1);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int
probe(const struct executor_settings *settings, struct error *err)
{
	cleanup_free char *init = NULL;

	if (access(BWRAP, X_OK) < 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "bubblewrap is not installed (" BWRAP
		    "; Debian's package bubblewrap)");
	if (shell_find() == NULL)
		return executor_shell.probe(settings, err);
	if (init_program_path(&init, err) < 0)
		return err->code;
	if (!may_unshare())
		return error_set(err, ERR_ENVIRONMENT,
		    "this user may not make user namespaces on this machine "
		    "(sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
		    "kernel.apparmor_restrict_unprivileged_userns, or a container around "
		    "pawl)");
	return 0;
}

/* ---- what it shows --------------------------------------------------------- */

static void
add2(struct strlist *argv, const char *option, const char *value)
{
	strlist_add(argv, option);
	strlist_add(argv, value);
}

static void
add3(struct strlist *argv, const char *option, const char *from, const char *to)
{
	add2(argv, option, from);
	strlist_add(argv, to);
}

static void
add_namespaces(
    const struct executor_settings *settings, bool has_services, struct strlist *argv)
{
	strlist_add(argv, "--unshare-user");
	strlist_add(argv, "--disable-userns");
	strlist_add(argv, "--unshare-pid");
	strlist_add(argv, "--unshare-ipc");
	strlist_add(argv, "--unshare-uts");
	strlist_add(argv, "--unshare-cgroup-try");
	if (settings->offline && !has_services)
		strlist_add(argv, "--unshare-net");
	strlist_add(argv, "--die-with-parent");
	strlist_add(argv, "--as-pid-1");
	if (geteuid() == 0)
		add2(argv, "--cap-drop", "ALL");
}

/* As the machine has them: links stay links. */
static void
add_root_dirs(struct strlist *argv)
{
	for (size_t i = 0; i < ARRAY_LEN(root_dirs); i++) {
		char target[256];
		ssize_t n = readlink(root_dirs[i], target, sizeof(target) - 1);

		if (n > 0) {
			target[n] = '\0';
			add3(argv, "--symlink", target, root_dirs[i]);
		} else if (access(root_dirs[i], F_OK) == 0) {
			add3(argv, "--ro-bind", root_dirs[i], root_dirs[i]);
		}
	}
}

/* An empty folder or nothing at all is there instead. */
static void
hide(const char *path, struct strlist *argv)
{
	struct stat st;

	if (lstat(path, &st) < 0 || S_ISLNK(st.st_mode) ||
	    strlist_has(argv, path)) /* it is hidden already, or shown on purpose */
		return;
	if (S_ISDIR(st.st_mode))
		add2(argv, "--tmpfs", path);
	else
		add3(argv, "--ro-bind", "/dev/null", path);
}

static void
hide_named(struct strlist *argv)
{
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
		glob_t found;

		if (glob(hidden[i], 0, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			hide(found.gl_pathv[k], argv);
		globfree(&found);
	}
}

/* Looking takes some milliseconds, which not every job shall pay. */
static void
hide_private(struct executor_machine *m, struct strlist *argv)
{
	time_t now = time(NULL);

	if (geteuid() != 0)
		return;
	pthread_mutex_lock(&m->lock);
	if (now >= m->private_files_until || m->private_files_until > now + PRIVATE_S) {
		strlist_clear(&m->private_files);
		for (size_t i = 0; i < ARRAY_LEN(settings_dirs); i++)
			private_files_add(settings_dirs[i], &m->private_files);
		m->private_files_until = now + PRIVATE_S;
	}
	for (size_t i = 0; i < m->private_files.count; i++)
		hide(m->private_files.items[i], argv);
	pthread_mutex_unlock(&m->lock);
}

/* What bubblewrap would make on the way to something else, for one user alone. */
static void
add_plain_dirs(struct strlist *argv)
{
	static const char *const dirs[] = { "/builds", "/home", "/run", "/sys", "/var",
		"/var/cache", "/var/lib" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		add2(argv, "--perms", "0755");
		add2(argv, "--dir", dirs[i]);
	}
}

static void
add_system(struct executor_machine *machine, struct strlist *argv)
{
	add_plain_dirs(argv);
	add2(argv, "--proc", "/proc");
	for (size_t i = 0; i < ARRAY_LEN(machine_files) && geteuid() == 0; i++)
		add3(argv, "--ro-bind-try", machine_files[i], machine_files[i]);
	add2(argv, "--dev", "/dev");
	for (size_t i = 0; i < ARRAY_LEN(system_dirs); i++)
		add3(argv, "--ro-bind-try", system_dirs[i], system_dirs[i]);
	add_root_dirs(argv);
	hide_named(argv);
	hide_private(machine, argv);
}

/* ---- one job --------------------------------------------------------------- */

/* Where this user's is, although nothing of it is shown; but never what holds others. */
static const char *
home_dir(void)
{
	const char *home = getenv("HOME");

	if (home != NULL && *home == '/' && !str_eq(home, "/") && !str_eq(home, "/tmp"))
		return home;
	return geteuid() == 0 ? "/root" : "/home/job";
}

static void
add_network_files(const struct executor_job *job, struct strlist *argv)
{
	struct stat st;

	add3(argv, "--ro-bind", job->hosts_file, "/etc/hosts");
	if (lstat("/etc/resolv.conf", &st) == 0 && S_ISREG(st.st_mode))
		add3(argv, "--ro-bind", job->resolver_file, "/etc/resolv.conf");
}

/* What the job may write, and what goes with it. */
static int
add_own(const struct executor_job *job, struct cage *cage, struct strlist *argv,
    struct error *err)
{
	const char *tmp = executor_folder(job, job->job_dir, "tmp", 01777, err);
	const char *home = executor_folder(job, job->job_dir, "home", 0700, err);
	const char *files =
	    executor_folder(job, job->job_dir, CAGE_FILES_NAME, 0700, err);

	if (tmp == NULL || home == NULL || files == NULL)
		return err->code;
	add3(argv, "--bind", tmp, "/tmp");
	add3(argv, "--symlink", "../tmp", "/var/tmp");
	add3(argv, "--bind", home, home_dir());
	add3(argv, "--setenv", "HOME", home_dir());
	strlist_add_take(&cage->env, xasprintf("HOME=%s", home_dir()));
	add3(argv, "--bind", job->work_dir, cage->project_dir);
	add3(argv, "--bind", files, cage->files_dir);
	for (size_t i = 0; i < job->shown->count; i++)
		add3(argv, "--ro-bind", job->shown->items[i], job->shown->items[i]);
	if (job->payload->service_count > 0)
		add_network_files(job, argv);
	add2(argv, "--chdir", cage->project_dir);
	return 0;
}

static int
prepare(struct executor_machine *machine, struct executor_job *job, struct cage *out,
    struct error *err)
{
	cleanup_free char *init = NULL;
	struct strlist *argv = &out->argv;

	executor_set_paths(job, out);
	if (job->payload->service_count > 0 &&
	    services_prepare(machine, job, out, err) < 0)
		return err->code;
	if (init_program_path(&init, err) < 0)
		return err->code;
	strlist_add(argv, BWRAP);
	add_namespaces(machine->settings, job->payload->service_count > 0, argv);
	add_system(machine, argv);
	if (add_own(job, out, argv, err) < 0)
		return err->code;
	add3(argv, "--ro-bind", init, INIT_INSIDE);
	strlist_add(argv, "--seccomp");
	strlist_add_take(argv, xasprintf("%d", INIT_INPUT_FD));
	strlist_add(argv, "--");
	init_program_argv(INIT_INSIDE, argv);
	out->input =
	    (struct bytes){ (const char *)sandbox_filter, sizeof(sandbox_filter) };
	strlist_add(&out->shell, shell_find());
	return 0;
}

/* A job's services are containers, so it needs what they need. */
static int
accepts(const struct job_payload *job, bool chosen_by_user, struct error *err)
{
	struct job_payload alone = *job;

	alone.service_count = 0;
	return executor_shell.accepts(&alone, chosen_by_user, err);
}

const struct executor executor_sandbox = {
	.name = "sandbox",
	.summary = "scripts run on this machine's system, read-only, apart from all else",
	.probe = probe,
	.accepts = accepts,
	.prepare = prepare,
	.has_services = true,
	.env = EXECUTOR_ENV_CLEAN,
	.is_shared = false,
};
