/* Notes of pushes, a small file each. */
#include "scheduler/hook/queue.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"

#define MAX_NOTE ((size_t)1 << 20)

static char *
folder(const struct place *p)
{
	return path_join(p->dir, "queue");
}

static char *
file(const struct place *p, const char *name)
{
	return xasprintf("%s/queue/%s", p->dir, name);
}

char *
queue_add(const struct place *p, const struct pushed *pushed, struct error *err)
{
	cleanup_free char *dir = folder(p), *path = NULL, *name = NULL;
	cleanup_buf struct buf text = BUF_INIT;
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0 || path_mkdirs(dir, 0700, err) < 0)
		return NULL;
	for (size_t i = 0; i < pushed->options.count; i++)
		if (strchr(pushed->options.items[i], '\n') == NULL)
			buf_printf(&text, "option %s\n", pushed->options.items[i]);
	for (size_t i = 0; i < pushed->refs.count; i++)
		buf_printf(
		    &text, "ref %s %s\n", pushed->shas.items[i], pushed->refs.items[i]);
	name = xasprintf(
	    "%012lld%09ld-%ld", (long long)now.tv_sec, now.tv_nsec, (long)getpid());
	path = file(p, name);
	if (path_write_file(path, text.data, text.len, 0600, err) < 0)
		return NULL;
	return take(name);
}

void
queue_drop(const struct place *p, const char *name)
{
	cleanup_free char *path = file(p, name);

	(void)unlink(path);
}

void
queue_list(const struct place *p, struct strlist *out)
{
	cleanup_free char *path = folder(p);
	cleanup_closedir DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strchr(entry->d_name, '.') == NULL) /* nor what is being written */
			strlist_add(out, entry->d_name);
	strlist_sort(out);
}

static void
read_line(struct pushed *out, char *line)
{
	char *ref;

	if (str_starts(line, "option ")) {
		strlist_add(&out->options, line + 7);
	} else if (str_starts(line, "ref ") && (ref = strchr(line + 4, ' ')) != NULL) {
		*ref = '\0';
		pushed_add(out, ref + 1, line + 4);
	}
}

int
queue_read(const struct place *p, const char *name, struct pushed *out, struct error *err)
{
	cleanup_free char *path = file(p, name);
	cleanup_buf struct buf text = BUF_INIT;
	char *save = NULL;

	if (buf_read_file(&text, path, MAX_NOTE, err) < 0)
		return err->code;
	if (text.len == 0)
		return 0;
	for (char *line = strtok_r(text.data, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		read_line(out, line);
	return 0;
}
