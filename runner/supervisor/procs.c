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

#define MARKER_NAME "PAWL_JOB_MARKER="
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

/* The children each thread of pid has started or inherited. */
static void
add_children_of(pid_t pid, struct pids *out)
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
	add_children_of(root, out);
	for (size_t i = 0; i < out->count; i++)
		add_children_of(out->items[i], out);
}

static bool
environ_has(const char *environ_path, const char *entry)
{
	cleanup_buf struct buf text = BUF_INIT;
	size_t len = strlen(entry);
	const char *at, *end;

	if (buf_read_file(&text, environ_path, ENVIRON_MAX, NULL) < 0)
		return false;
	end = text.data + text.len;
	for (at = text.data; at != NULL && at < end; at += strlen(at) + 1)
		if ((size_t)(end - at) >= len && memcmp(at, entry, len + 1) == 0)
			return true;
	return false;
}

void
procs_marked(const char *marker, struct pids *out)
{
	cleanup_closedir DIR *proc = opendir("/proc");
	cleanup_free char *entry = xasprintf(MARKER_NAME "%s", marker);
	struct dirent *e;

	while (proc != NULL && (e = readdir(proc)) != NULL) {
		char path[300];
		long pid = strtol(e->d_name, NULL, 10);

		if (pid <= 0 || pid == getpid())
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%ld/environ", pid);
		if (environ_has(path, entry))
			add_pid(out, (pid_t)pid);
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
