/* Layer sets of commits, as files. */
#include "runner/commit_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "runner/commit_tree.h"
#include "runner/layers.h"

#define FILE_NAME "set"
#define MAX_BYTES 65536

void
commit_set_clear(struct commit_set *set)
{
	strlist_clear(&set->names);
	*set = (struct commit_set){ .names = STRLIST_INIT };
}

/* "2 OLDEST NEWEST BYTES COUNT WAYS", then a name per line */
static bool
parse(char *text, struct commit_set *set)
{
	char *rest = text, *line = strsep(&rest, "\n");

	if (sscanf(line, "2 %" SCNd64 " %" SCNd64 " %" SCNu64 " %" SCNu64 " %64s",
		&set->oldest_ns, &set->newest_ns, &set->bytes, &set->count,
		set->ways) != 5)
		return false;
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		if (!commit_tree_is_name(line))
			return false;
		strlist_add(&set->names, line);
	}
	return set->names.count > 0 && set->names.count <= LAYERS_MAX_DELTAS + 1;
}

int
commit_set_read(const char *dir, struct commit_set *out, struct error *err)
{
	cleanup_free char *file = path_join(dir, FILE_NAME);
	cleanup_buf struct buf text = BUF_INIT;
	struct commit_set set = { .names = STRLIST_INIT };

	if (access(file, F_OK) < 0)
		return error_set(err, ERR_MISSING, "there is no tree in %s", dir);
	if (buf_read_file(&text, file, MAX_BYTES, err) < 0)
		return err->code;
	if (text.len == 0 || !parse(text.data, &set)) {
		commit_set_clear(&set);
		return error_set(err, ERR_INVALID, "%s is damaged", file);
	}
	*out = set;
	return 0;
}

int
commit_set_write(const char *dir, const struct commit_set *set, struct error *err)
{
	cleanup_free char *file = path_join(dir, FILE_NAME);
	cleanup_buf struct buf text = BUF_INIT;

	buf_printf(&text, "2 %" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64 " %s\n",
	    set->oldest_ns, set->newest_ns, set->bytes, set->count, set->ways);
	for (size_t i = 0; i < set->names.count; i++)
		buf_printf(&text, "%s\n", set->names.items[i]);
	return path_write_file(file, text.data, text.len, 0600, err);
}

int
commit_set_lock(const char *dir, int how, struct error *err)
{
	cleanup_free char *file = path_join(dir, "lock");
	cleanup_close int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, how) < 0)
		return error_errno(err, "cannot lock %s", file);
	return take_fd(&fd);
}

struct found {
	char *name;
	struct timespec used;
};

static int
compare_use(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? 1 : -1;
	return x->used.tv_nsec < y->used.tv_nsec ? 1
	    : x->used.tv_nsec > y->used.tv_nsec  ? -1
						 : 0;
}

void
commit_set_list(const char *sets_dir, struct strlist *out)
{
	cleanup_closedir DIR *d = opendir(sets_dir);
	struct found *all = NULL;
	size_t count = 0, cap = 0;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *set = xasprintf("%s/%s/set", sets_dir, e->d_name);
		cleanup_free char *lock = xasprintf("%s/%s/lock", sets_dir, e->d_name);
		struct stat st;

		if (!commit_tree_is_name(e->d_name) || access(set, F_OK) < 0 ||
		    stat(lock, &st) < 0)
			continue;
		GROW(all, count, cap);
		all[count++] = (struct found){ xstrdup(e->d_name), st.st_mtim };
	}
	if (count > 1)
		qsort(all, count, sizeof(*all), compare_use);
	for (size_t i = 0; i < count; i++)
		strlist_add_take(out, all[i].name);
	free(all);
}

void
commit_set_empty(const char *dir)
{
	static const char *const parts[] = { FILE_NAME, "tree", "new", "changed",
		COMMIT_SET_NAMES, COMMIT_SET_WORDS, COMMIT_SET_SHALLOW, COMMIT_SET_DEPTH,
		COMMIT_SET_LFS, COMMIT_SET_PINS, COMMIT_SET_PLACE };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		cleanup_free char *path = path_join(dir, parts[i]);

		if (path_remove_tree(AT_FDCWD, path, NULL) < 0)
			return; /* the file went first: the rest is never trusted */
	}
}
