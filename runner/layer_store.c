/* Layers between jobs. */
#include "runner/layer_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/copy.h"
#include "base/map.h"
#include "base/path.h"
#include "runner/layers.h"

#define FOLDER LAYER_STORE_FOLDER
#define SET_NAME LAYER_SET_NAME
#define MAX_SET_BYTES 65536
#define ID_BYTES 8
#define MAX_DEPTH 256 /* of folders that keys make */

/* ---- sets ------------------------------------------------------------------ */

void
layer_set_clear(struct layer_set *set)
{
	strlist_clear(&set->ids);
	*set = (struct layer_set)LAYER_SET_INIT;
}

static bool
is_id(const char *text)
{
	return strlen(text) == (size_t)2 * ID_BYTES &&
	    strspn(text, "0123456789abcdef") == (size_t)2 * ID_BYTES;
}

/* "1 OLDEST NEWEST FILES ARCHIVE WHITEOUTS PATHS STATE", then an id per line */
static bool
parse(char *text, struct layer_set *set)
{
	char *rest = text, *line = strsep(&rest, "\n");
	int whiteouts;

	if (sscanf(line, "1 %" SCNd64 " %" SCNd64 " %" SCNu64 " %" SCNd64 " %d %64s %64s",
		&set->oldest_ns, &set->newest_ns, &set->files, &set->archive_bytes,
		&whiteouts, set->paths, set->state) != 7)
		return false;
	set->has_whiteouts = whiteouts != 0;
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		if (!is_id(line))
			return false;
		strlist_add(&set->ids, line);
	}
	return set->ids.count > 0 && set->ids.count <= LAYERS_MAX_DELTAS + 1;
}

int
layer_set_read(const char *file, struct layer_set *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct layer_set set = LAYER_SET_INIT;

	if (access(file, F_OK) < 0)
		return error_set(err, ERR_MISSING, "there is no %s", file);
	if (buf_read_file(&text, file, MAX_SET_BYTES, err) < 0)
		return err->code;
	if (text.len == 0 || !parse(text.data, &set)) {
		layer_set_clear(&set);
		return error_set(err, ERR_INVALID, "%s is damaged", file);
	}
	*out = set;
	return 0;
}

/* Jobs may write the same set at the same time: each under a name of its own. */
int
layer_set_write(const char *file, const struct layer_set *set, struct error *err)
{
	cleanup_free char *temp = xasprintf("%s-XXXXXX", file);
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_close int fd = mkostemp(temp, O_CLOEXEC);

	buf_printf(&text, "1 %" PRId64 " %" PRId64 " %" PRIu64 " %" PRId64 " %d %s %s\n",
	    set->oldest_ns, set->newest_ns, set->files, set->archive_bytes,
	    set->has_whiteouts, *set->paths != '\0' ? set->paths : "-",
	    *set->state != '\0' ? set->state : "-");
	for (size_t i = 0; i < set->ids.count; i++)
		buf_printf(&text, "%s\n", set->ids.items[i]);
	if (fd < 0)
		return copy_errno(err, "cannot create", temp);
	if (path_write_fd(fd, text.data, text.len) < 0 || fchmod(fd, 0644) < 0 ||
	    rename(temp, file) < 0) {
		copy_errno(err, "cannot write", file);
		unlink(temp);
		return err->code;
	}
	return 0;
}

/* ---- layers ---------------------------------------------------------------- */

static char *
folder(const char *store_dir, const char *name)
{
	return xasprintf("%s/" FOLDER "/%s", store_dir, name);
}

char *
layer_store_tree(const char *store_dir, const char *id)
{
	return xasprintf("%s/" FOLDER "/%s/tree", store_dir, id);
}

static int
lock_store(const char *store_dir, int how, struct error *err)
{
	cleanup_free char *file = folder(store_dir, "lock");
	cleanup_close int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, how) < 0)
		return error_errno(err, "cannot lock %s", file);
	return take_fd(&fd);
}

int
layer_store_hold(const char *store_dir, struct error *err)
{
	cleanup_free char *leases = folder(store_dir, "leases");

	if (path_mkdirs(leases, 0755, err) < 0)
		return err->code;
	return lock_store(store_dir, LOCK_SH, err);
}

static char *
random_name(void)
{
	unsigned char bytes[ID_BYTES];
	char *name = xmalloc(2 * ID_BYTES + 1);

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		memset(bytes, 0, sizeof(bytes)); /* what is made of it exists, then */
	for (size_t i = 0; i < ID_BYTES; i++)
		(void)snprintf(name + 2 * i, 3, "%02x", bytes[i]);
	return name;
}

int
layer_store_new(const char *store_dir, char **id, struct error *err)
{
	cleanup_free char *name = random_name(), *dir = folder(store_dir, name);
	cleanup_free char *tree = layer_store_tree(store_dir, name);

	if (mkdir(dir, 0755) < 0 || mkdir(tree, 0755) < 0)
		return copy_errno(err, "cannot create folder", tree);
	*id = take(name);
	return 0;
}

void
layer_store_drop(const char *store_dir, const char *id)
{
	cleanup_free char *dir = folder(store_dir, id);

	if (path_remove_tree(AT_FDCWD, dir, NULL) < 0)
		return; /* the sweep tries again */
}

int
layer_store_set_size(
    const char *store_dir, const char *id, uint64_t bytes, struct error *err)
{
	cleanup_free char *file = xasprintf("%s/" FOLDER "/%s/size", store_dir, id);
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRIu64, bytes);

	return path_write_file(file, text, (size_t)n, 0644, err);
}

uint64_t
layer_store_size_of(const char *store_dir, const char *id)
{
	cleanup_free char *file = xasprintf("%s/" FOLDER "/%s/size", store_dir, id);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	int64_t bytes = 0;

	if (buf_read_file(&text, file, 24, &ignored) < 0 ||
	    !str_to_int64(buf_str(&text), &bytes) || bytes < 0)
		return 0;
	return (uint64_t)bytes;
}

uint64_t
layer_store_size(const char *store_dir)
{
	cleanup_free char *dir = xasprintf("%s/" FOLDER, store_dir);
	cleanup_closedir DIR *d = opendir(dir);
	uint64_t sum = 0;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		if (is_id(e->d_name))
			sum += layer_store_size_of(store_dir, e->d_name);
	return sum;
}

/* ---- leases ---------------------------------------------------------------- */

static int
open_lease(const char *file, int flags, struct error *err)
{
	cleanup_close int fd = open(file, O_RDWR | O_CLOEXEC | flags, 0600);

	if (fd < 0 || flock(fd, LOCK_SH) < 0)
		return error_errno(err, "cannot lock %s", file);
	return take_fd(&fd);
}

int
layer_lease_take(const char *store_dir, const struct strlist *ids,
    struct layer_lease *out, struct error *err)
{
	cleanup_free char *name = random_name();
	cleanup_free char *file = xasprintf("%s/" FOLDER "/leases/%s", store_dir, name);
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_close int fd = open_lease(file, O_CREAT | O_EXCL, err);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < ids->count; i++)
		buf_printf(&text, "%s\n", ids->items[i]);
	if (path_write_fd(fd, buf_str(&text), text.len) < 0) {
		copy_errno(err, "cannot write", file);
		unlink(file);
		return err->code;
	}
	*out = (struct layer_lease){ take(file), take_fd(&fd) };
	return 0;
}

int
layer_lease_take_over(const char *file, struct layer_lease *out, struct error *err)
{
	int fd = open_lease(file, 0, err);

	if (fd < 0)
		return fd;
	*out = (struct layer_lease){ xstrdup(file), fd };
	return 0;
}

void
layer_lease_clear(struct layer_lease *lease)
{
	if (lease->file != NULL)
		unlink(lease->file);
	layer_lease_forget(lease);
}

void
layer_lease_forget(struct layer_lease *lease)
{
	free(lease->file);
	cleanup_close_fd(&lease->lock_fd);
	*lease = (struct layer_lease)LAYER_LEASE_INIT;
}

/* ---- sweeping -------------------------------------------------------------- */

/* Ids a file names, a line each; of a set its first line is none. */
static void
note_ids(const char *file, struct map *named)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	char *rest, *line;

	if (buf_read_file(&text, file, MAX_SET_BYTES, &ignored) < 0 || text.len == 0)
		return;
	for (rest = text.data; (line = strsep(&rest, "\n")) != NULL;)
		if (is_id(line))
			map_set(named, line, named);
}

static void
note_leases(const char *store_dir, struct map *named)
{
	cleanup_free char *dir = folder(store_dir, "leases");
	cleanup_closedir DIR *d = opendir(dir);

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *file = path_join(dir, e->d_name);
		cleanup_close int fd = -1;

		if (*e->d_name == '.')
			continue;
		fd = open(file, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlink(file); /* of a job that is no more */
		else
			note_ids(file, named);
	}
}

/* Keys are paths: their sets lie in folders of any depth. */
static void
note_sets(const char *dir, int depth, struct map *named)
{
	cleanup_closedir DIR *d = opendir(dir);

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *path = path_join(dir, e->d_name);
		struct stat st;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") ||
		    (depth == 0 && str_eq(e->d_name, FOLDER)) || lstat(path, &st) < 0)
			continue;
		if (S_ISREG(st.st_mode) && str_eq(e->d_name, SET_NAME))
			note_ids(path, named);
		else if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
			note_sets(path, depth + 1, named);
	}
}

void
layer_store_sweep(const char *store_dir)
{
	cleanup_free char *dir = xasprintf("%s/" FOLDER, store_dir);
	cleanup_map struct map named = MAP_INIT;
	struct error ignored = ERROR_INIT;
	cleanup_close int lock = lock_store(store_dir, LOCK_EX | LOCK_NB, &ignored);
	cleanup_closedir DIR *d = lock < 0 ? NULL : opendir(dir);

	if (d == NULL)
		return; /* there is nothing, or somebody is at it: another time */
	note_sets(store_dir, 0, &named);
	note_leases(store_dir, &named);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (is_id(e->d_name) && !map_has(&named, e->d_name))
			layer_store_drop(store_dir, e->d_name);
}
