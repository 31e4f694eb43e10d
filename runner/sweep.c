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
#include "runner/jobdir.h"
#include "runner/supervisor/files.h"
#include "runner/supervisor/procs.h"

#define SWEEP_ROUNDS 200
#define UNCLEAR_ROUNDS 30 /* on a busy machine some process always comes or goes */
#define SWEEP_PAUSE_NS (2 * 1000 * 1000)

/* By a pidfd, so that no stranger is hit who got the number meanwhile. */
static bool
end_process(pid_t pid, const char *marker)
{
	cleanup_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd >= 0 && procs_mark_of(pid, marker) == PROCS_MARKED &&
	    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
}

void
sweep_processes(const char *marker)
{
	const struct timespec pause = { .tv_nsec = SWEEP_PAUSE_NS };

	/* each round catches what was born, or became clear, during the last */
	for (int round = 0; round < SWEEP_ROUNDS; round++) {
		cleanup_pids struct pids pids = PIDS_INIT;
		size_t unclear = procs_marked(marker, &pids), ended = 0;

		for (size_t i = 0; i < pids.count; i++)
			ended += end_process(pids.items[i], marker);
		if (ended == 0 && (unclear == 0 || round > UNCLEAR_ROUNDS))
			break;
		nanosleep(&pause, NULL);
	}
	files_sweep(marker);
}

/* 1 when the folder was left behind and is gone now. */
static int
sweep_job(int jobs_fd, const char *jobs_dir, const char *name, struct error *err)
{
	cleanup_free char *lock = xasprintf("%s/lock", name);
	cleanup_close int fd = openat(jobs_fd, lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	char marker[JOBDIR_MARKER_LEN + 1] = "";

	if (fd < 0 && errno != ENOENT)
		return error_errno(err, "cannot open %s/%s", jobs_dir, lock);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0; /* its owner lives */
	if (fd >= 0 && pread(fd, marker, JOBDIR_MARKER_LEN, 0) == JOBDIR_MARKER_LEN)
		sweep_processes(marker);
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
