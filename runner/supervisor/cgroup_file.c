/* Reading and writing them, without an allocation. */
#include "runner/supervisor/cgroup_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

bool
cgroup_file_write(int dir, const char *name, const char *text)
{
	int fd = dir < 0 ? -1 : openat(dir, name, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

bool
cgroup_file_put(int dir, const char *name, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	return cgroup_file_write(dir, name, text);
}

ssize_t
cgroup_file_read(int dir, const char *name, char *out, size_t size)
{
	int fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	*out = '\0';
	if (fd < 0)
		return -1;
	n = read(fd, out, size - 1);
	close(fd);
	if (n >= 0)
		out[n] = '\0';
	return n;
}

int64_t
cgroup_file_number(int dir, const char *name)
{
	char text[64];

	return cgroup_file_read(dir, name, text, sizeof(text)) > 0
	    ? strtoll(text, NULL, 10)
	    : 0;
}

int64_t
cgroup_text_key(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text != NULL && *text != '\0') {
		if (strncmp(text, key, len) == 0 && text[len] == ' ')
			return strtoll(text + len + 1, NULL, 10);
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return 0;
}

int64_t
cgroup_text_sum(const char *text, const char *key)
{
	int64_t sum = 0;

	while ((text = strstr(text, key)) != NULL) {
		text += strlen(key);
		sum += strtoll(text, NULL, 10);
	}
	return sum;
}

char *
cgroup_text_path(const char *text, const char *controller)
{
	size_t len = strlen(controller);

	while (text != NULL && *text != '\0') {
		const char *list = strchr(text, ':');
		const char *path = list == NULL ? NULL : strchr(list + 1, ':');
		const char *end = text + strcspn(text, "\n");

		if (path == NULL || path > end)
			break;
		for (const char *at = list + 1; at <= path;) {
			size_t n = strcspn(at, ",:");

			if (n == len && strncmp(at, controller, n) == 0)
				return xstrndup(path + 1, (size_t)(end - path - 1));
			at += n + 1;
		}
		text = *end == '\0' ? NULL : end + 1;
	}
	return NULL;
}

int64_t
cgroup_file_key(int dir, const char *name, const char *key)
{
	char text[8192];

	return cgroup_file_read(dir, name, text, sizeof(text)) > 0
	    ? cgroup_text_key(text, key)
	    : 0;
}

void
cgroup_file_signal(int dir, int signal)
{
	char text[16384]; /* whoever is not among the first is among those of later */
	char *at = text, *end;

	if (cgroup_file_read(dir, "cgroup.procs", text, sizeof(text)) <= 0)
		return;
	for (;; at = end) {
		long pid = strtol(at, &end, 10);

		if (end == at || *end != '\n')
			return; /* the last number may be cut */
		if (pid > 1)
			kill((pid_t)pid, signal);
	}
}
