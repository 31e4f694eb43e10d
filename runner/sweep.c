/* Finding and removing what dead supervisors left. */
#include "runner/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "executors/container/runtime.h"
#include "runner/cgroups.h"
#include "runner/jobdir.h"
#include "runner/supervisor/files.h"
#include "runner/supervisor/procs.h"

#define SWEEP_LIMIT_MS 5000 /* what SIGKILL does not end by then never ends */
#define SWEEP_PAUSE_NS (1000 * 1000)

/* By a pidfd, so that no stranger is hit who got the number meanwhile. */
static void
end_process(pid_t pid, const char *marker)
{
	cleanup_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0 && procs_mark_of(pid, marker) == PROCS_MARKED)
		(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
}

/*
 * Look at each process that is not among the strangers yet; those are in the order of
 * their numbers. True when there was none. Who forks and exits, over and over, is met
 * because there is little to look at after the first time.
 */
static bool
look_around(const char *marker, struct pids *strangers)
{
	cleanup_pids struct pids all = PIDS_INIT;
	struct pids known = *strangers;
	size_t at = 0, looked = 0;

	*strangers = (struct pids)PIDS_INIT;
	procs_all(&all);
	for (size_t i = 0; i < all.count; i++) {
		pid_t pid = all.items[i];
		enum procs_mark mark = PROCS_UNMARKED;

		while (at < known.count && known.items[at] < pid)
			at++;
		if (at == known.count || known.items[at] != pid) {
			mark = procs_mark_of(pid, marker);
			looked++;
		}
		if (mark == PROCS_UNMARKED)
			pids_add(strangers, pid);
		else if (mark == PROCS_MARKED)
			end_process(pid, marker);
	}
	pids_clear(&known);
	return looked == 0;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Children of strangers are strangers. A process of the job that ends before it is looked
 * at leaves a child that is new the next time. So when nothing is new, nothing is left.
 */
void
sweep_processes(const char *job_dir, const char *marker)
{
	const struct timespec pause = { .tv_nsec = SWEEP_PAUSE_NS };
	cleanup_pids struct pids strangers = PIDS_INIT;
	int64_t until_ms = now_ms() + SWEEP_LIMIT_MS;

	cgroup_places_sweep(job_dir, marker);
	while (!look_around(marker, &strangers) && now_ms() < until_ms)
		nanosleep(&pause, NULL);
	files_sweep(marker);
}

/* 1 when the folder was left behind and is gone now. */
static int
sweep_job(int jobs_fd, const char *jobs_dir, const char *name, struct error *err)
{
	cleanup_free char *lock = xasprintf("%s/lock", name);
	cleanup_free char *job_dir = path_join(jobs_dir, name);
	cleanup_close int fd = openat(jobs_fd, lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	char marker[JOBDIR_MARKER_LEN + 1] = "";

	if (fd < 0 && errno != ENOENT)
		return error_errno(err, "cannot open %s/%s", jobs_dir, lock);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0; /* its owner lives */
	if (fd >= 0 && pread(fd, marker, JOBDIR_MARKER_LEN, 0) == JOBDIR_MARKER_LEN)
		sweep_processes(job_dir, marker);
	runtime_sweep(job_dir);
	if (path_remove_tree(jobs_fd, name, err) < 0)
		return error_wrap(err, "%s/%s", jobs_dir, name);
	return 1;
}

int
sweep_jobs(const char *jobs_dir, struct error *err)
{
	int fd = open(jobs_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), swept = 0, rc = 0;
	cleanup_closedir DIR *dir = NULL;
	struct dirent *e;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot open %s", jobs_dir);
	dir = fdopendir(fd);
	if (dir == NULL) {
		cleanup_close_fd(&fd);
		return error_errno(err, "cannot read %s", jobs_dir);
	}
	if (flock(fd, LOCK_EX) < 0) /* until the folder is closed */
		return error_errno(err, "cannot lock %s", jobs_dir);
	while ((e = readdir(dir)) != NULL) {
		struct stat st;
		int n;

		if (e->d_name[0] == '.' ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		n = sweep_job(fd, jobs_dir, e->d_name, rc == 0 ? err : NULL);
		if (n < 0)
			rc = n; /* the first is reported, the others are swept */
		swept += n > 0;
	}
	return rc < 0 ? rc : swept;
}
