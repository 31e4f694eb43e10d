/* Finding the group of a container by one of its processes, and reading it. */
#include "runner/supervisor/cgroup_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "runner/supervisor/cgroup_count.h"
#include "runner/supervisor/cgroup_file.h"

#define ROOT "/sys/fs/cgroup"
/* A runtime may put processes one below the group it has been given (crun does). */
#define INNER "/container"

/* Of one hierarchy; -1: it cannot be seen from here. */
static int
open_dir(const char *mount, const char *own, const char *controller, const char *id)
{
	cleanup_free char *path = cgroup_text_path(own, controller);
	cleanup_free char *whole = NULL;
	size_t len;

	/* Without the id it is a group of others, too: a rootless engine may make none.
	 * "/..": above what this process sees of them. */
	if (path == NULL || strstr(path, id) == NULL || strstr(path, "/..") != NULL)
		return -1;
	len = strlen(path);
	if (len > strlen(INNER) && str_eq(path + len - strlen(INNER), INNER))
		path[len - strlen(INNER)] = '\0';
	whole = xasprintf(ROOT "%s%s", mount, path);
	return open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
cgroup_watch_open(struct cgroup_watch *w, pid_t pid, const char *id)
{
	static const char *const mounts[] = { [CGROUP_MEMORY] = "/memory",
		[CGROUP_PIDS] = "/pids",
		[CGROUP_CPU] = "/cpu" };
	bool hybrid = access(ROOT "/unified", F_OK) == 0;
	char file[48], own[4096];

	if (w->is_open)
		return;
	w->is_open = true;
	(void)snprintf(file, sizeof(file), "/proc/%ld/cgroup", (long)pid);
	if (pid <= 0 || *id == '\0' || cgroup_file_read(0, file, own, sizeof(own)) <= 0)
		own[0] = '\0';
	for (int i = 0; i < CGROUP_KIND_COUNT; i++) {
		int dir = i == CGROUP_UNIFIED
		    ? open_dir(hybrid ? "/unified" : "", own, "", id)
		    : open_dir(mounts[i], own, mounts[i] + 1, id);

		w->group.dirs[i] = (struct cgroup_dir){ -1, dir };
		w->group.exists = w->group.exists || dir >= 0;
	}
	w->account = open_dir("/cpuacct", own, "cpuacct", id);
	w->blocks = open_dir("/blkio", own, "blkio", id);
	/* by which the kernel's log names it */
	(void)snprintf(w->group.name, sizeof(w->group.name), "%s", id);
}

void
cgroup_watch_close(struct cgroup_watch *w)
{
	for (int i = 0; w->is_open && i < CGROUP_KIND_COUNT; i++)
		cleanup_close_fd(&w->group.dirs[i].dir);
	cleanup_close_fd(&w->account);
	cleanup_close_fd(&w->blocks);
	*w = (struct cgroup_watch)CGROUP_WATCH_INIT;
}

static void
look_at_first_version(struct cgroup_watch *w, bool has_cpu, bool has_io)
{
	char text[8192];
	int64_t ns = cgroup_file_number(w->account, "cpuacct.usage");

	if (!has_cpu && ns > 0)
		w->last.cpu_us = ns / 1000;
	/* "8:0 Read 4096", a line per disk and kind */
	if (has_io ||
	    cgroup_file_read(w->blocks, "blkio.throttle.io_service_bytes_recursive", text,
		sizeof(text)) <= 0)
		return;
	w->last.read_bytes = cgroup_text_sum(text, " Read ");
	w->last.written_bytes = cgroup_text_sum(text, " Write ");
}

void
cgroup_watch_look(struct cgroup_watch *w)
{
	bool has_cpu, has_io;

	w->last.memory_bytes = 0;
	if (!w->group.exists)
		return;
	(void)cgroup_count_memory(&w->group, &w->last.memory_bytes);
	has_cpu = cgroup_count_cpu(&w->group, &w->last.cpu_us);
	has_io = cgroup_count_io(&w->group, &w->last.read_bytes, &w->last.written_bytes);
	look_at_first_version(w, has_cpu, has_io);
}

static bool
is_gone(const struct cgroup *g)
{
	char text[64];

	for (int i = 0; i < CGROUP_KIND_COUNT; i++)
		if (g->dirs[i].dir >= 0)
			return cgroup_file_read(g->dirs[i].dir, "cgroup.procs", text,
				   sizeof(text)) < 0;
	return false;
}

void
cgroup_watch_count(struct cgroup_watch *w)
{
	char victims[64];

	cgroup_look(&w->group);
	if (!w->group.exists || w->group.oom_kills > 0 || !is_gone(&w->group))
		return;
	cgroup_oom_victims(&w->group, victims, sizeof(victims));
	if (victims[0] != '\0')
		w->group.oom_kills = 1;
}
