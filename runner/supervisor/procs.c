/* Reading /proc. Processes come and go meanwhile: whatever cannot be read is not there.
 */
#include "runner/supervisor/procs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"

#define ENVIRON_MAX (8u << 20)

/* Source: proc(5), /proc/PID/stat; linux/sched.h, PF_KTHREAD. */
#define STAT_FLAGS 9
#define STAT_ENV_START 50
#define STAT_ENV_END 51
#define FLAG_KERNEL_THREAD 0x00200000u

void
pids_clear(struct pids *pids)
{
	free(pids->items);
	*pids = (struct pids)PIDS_INIT;
}

void
pids_add(struct pids *pids, pid_t pid)
{
	GROW(pids->items, pids->count, pids->cap);
	pids->items[pids->count++] = pid;
}

/* The numbers of a "children" file: "12 34 56 ". */
static void
add_children(const char *text, struct pids *out)
{
	char *end;

	for (;; text = end) {
		long pid = strtol(text, &end, 10);

		if (end == text)
			return;
		if (pid > 0)
			pids_add(out, (pid_t)pid);
	}
}

/* Each thread of pid has some, started or inherited. */
void
procs_children(pid_t pid, struct pids *out)
{
	char path[64];
	cleanup_closedir DIR *tasks = NULL;
	cleanup_buf struct buf text = BUF_INIT;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	tasks = opendir(path);
	if (tasks == NULL)
		return;
	for (struct dirent *e; (e = readdir(tasks)) != NULL;) {
		char name[400];

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s/children", path, e->d_name);
		buf_reset(&text);
		if (buf_read_file(&text, name, ENVIRON_MAX, NULL) == 0)
			add_children(buf_str(&text), out);
	}
}

void
procs_descendants(pid_t root, struct pids *out)
{
	procs_children(root, out);
	for (size_t i = 0; i < out->count; i++)
		procs_children(out->items[i], out);
}

/* Field n of /proc/PID/stat, counted as proc(5) does; the text begins with field 3. */
static unsigned long long
stat_number(const char *stat, int n)
{
	for (int i = 3; i < n && stat != NULL; i++) {
		stat = strchr(stat, ' ');
		stat += stat != NULL;
	}
	return stat == NULL ? 0 : strtoull(stat, NULL, 10);
}

/*
 * Why has this process no environment? It is between two programs, or about to end: it
 * runs, or waits for a disk. It has ended; it was started with none; it belongs to the
 * kernel: no marker will show.
 */
static enum procs_mark
judge_empty(pid_t pid)
{
	cleanup_buf struct buf text = BUF_INIT;
	char path[64];
	const char *stat;
	unsigned long long start, end;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (buf_read_file(&text, path, ENVIRON_MAX, NULL) < 0)
		return PROCS_UNMARKED;
	stat = strrchr(buf_str(&text), ')');
	if (stat == NULL ||
	    (strncmp(stat, ") R", 3) != 0 && strncmp(stat, ") D", 3) != 0))
		return PROCS_UNMARKED;
	stat += 2;
	start = stat_number(stat, STAT_ENV_START);
	end = stat_number(stat, STAT_ENV_END);
	if ((stat_number(stat, STAT_FLAGS) & FLAG_KERNEL_THREAD) != 0 ||
	    (start != 0 && start == end))
		return PROCS_UNMARKED;
	return PROCS_UNCLEAR;
}

/* Entries end with NUL. */
static enum procs_mark
search_environ(pid_t pid, const char *entry)
{
	cleanup_buf struct buf text = BUF_INIT;
	size_t len = strlen(entry);
	char path[64];
	const char *at, *end;

	(void)snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
	if (buf_read_file(&text, path, ENVIRON_MAX, NULL) < 0)
		return PROCS_UNMARKED; /* another user's, or gone */
	end = text.data + text.len;
	for (at = text.data; at != NULL && at < end; at += strlen(at) + 1)
		if ((size_t)(end - at) >= len && memcmp(at, entry, len + 1) == 0)
			return PROCS_MARKED;
	return text.len > 0 ? PROCS_UNMARKED : judge_empty(pid);
}

static bool
mounts_have(pid_t pid, const char *source)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_free char *field = xasprintf(" %s ", source);
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/mountinfo", (long)pid);
	return buf_read_file(&text, path, ENVIRON_MAX, NULL) == 0 &&
	    strstr(buf_str(&text), field) != NULL;
}

char *
procs_mount_source(const char *marker)
{
	return xasprintf("pawl-%s", marker);
}

enum procs_mark
procs_mark_of(pid_t pid, const char *marker)
{
	cleanup_free char *entry = xasprintf(PROCS_MARKER_NAME "=%s", marker);
	cleanup_free char *source = procs_mount_source(marker);
	enum procs_mark mark = search_environ(pid, entry);

	return mark != PROCS_MARKED && mounts_have(pid, source) ? PROCS_MARKED : mark;
}

void
procs_all(struct pids *out)
{
	cleanup_closedir DIR *proc = opendir("/proc");
	struct dirent *e;

	while (proc != NULL && (e = readdir(proc)) != NULL) {
		long pid = strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != getpid())
			pids_add(out, (pid_t)pid);
	}
}

void
procs_set_oom_score(pid_t pid, const char *score)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/oom_score_adj", (long)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, score, strlen(score)) < 0)
		errno = 0; /* it has ended, or is another user's */
	close(fd);
}
