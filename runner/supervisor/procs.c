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

void
pids_clear(struct pids *pids)
{
	free(pids->items);
	*pids = (struct pids)PIDS_INIT;
}

static void
add_pid(struct pids *pids, pid_t pid)
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
			add_pid(out, (pid_t)pid);
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

/* Or did: a zombie may have left a child. Threads of the kernel do neither. */
static bool
runs_program(pid_t pid)
{
	cleanup_buf struct buf stat = BUF_INIT;
	char path[64], exe[8];
	const char *name_end;

	(void)snprintf(path, sizeof(path), "/proc/%ld/exe", (long)pid);
	if (readlink(path, exe, sizeof(exe)) > 0)
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (buf_read_file(&stat, path, ENVIRON_MAX, NULL) < 0)
		return true; /* gone: the same */
	name_end = strrchr(buf_str(&stat), ')');
	return name_end != NULL && strncmp(name_end, ") Z", 3) == 0;
}

/* Entries end with NUL. While a process execs it has none for a moment. */
static enum procs_mark
search_environ(pid_t pid, const char *entry)
{
	cleanup_buf struct buf text = BUF_INIT;
	size_t len = strlen(entry);
	struct error err = ERROR_INIT;
	char path[64];
	const char *at, *end;

	(void)snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
	if (buf_read_file(&text, path, ENVIRON_MAX, &err) < 0)
		return err.code == -EACCES || err.code == -EPERM ? PROCS_UNMARKED
								 : PROCS_UNCLEAR;
	end = text.data + text.len;
	for (at = text.data; at != NULL && at < end; at += strlen(at) + 1)
		if ((size_t)(end - at) >= len && memcmp(at, entry, len + 1) == 0)
			return PROCS_MARKED;
	if (text.len > 0)
		return PROCS_UNMARKED;
	return runs_program(pid) ? PROCS_UNCLEAR : PROCS_UNMARKED;
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

size_t
procs_marked(const char *marker, struct pids *out)
{
	cleanup_closedir DIR *proc = opendir("/proc");
	size_t unclear = 0;
	struct dirent *e;

	while (proc != NULL && (e = readdir(proc)) != NULL) {
		long pid = strtol(e->d_name, NULL, 10);
		enum procs_mark mark;

		if (pid <= 0 || pid == getpid())
			continue;
		mark = procs_mark_of((pid_t)pid, marker);
		unclear += mark == PROCS_UNCLEAR;
		if (mark == PROCS_MARKED)
			add_pid(out, (pid_t)pid);
	}
	return unclear;
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
