/* Files of a plain folder. */
#include "cli/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"

static int
read_file(void *data, const char *project, const char *ref UNUSED, const char *path,
    size_t max, struct buf *out, struct error *err)
{
	struct folder *f = data;
	cleanup_free char *clean = path_clean(path + strspn(path, "/"));
	cleanup_free char *full = NULL;
	cleanup_close int fd = -1;

	if (project != NULL)
		return error_set(
		    err, ERR_ENVIRONMENT, "project %s is not on this machine", project);
	if (clean == NULL)
		return error_set(err, ERR_MISSING, "%s leads out of the folder", path);
	full = path_join(f->root, clean);
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_set(err, ERR_MISSING, "%s does not exist", path);
	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	if (buf_read_fd(out, fd, max, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

static bool
is_folder(int dirfd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* below: "" or "sub/folder/". What cannot be read is left out. */
static void
walk(struct folder *f, const char *below, int depth)
{
	cleanup_free char *full = path_join(f->root, below);
	cleanup_closedir DIR *dir = opendir(full);
	const struct dirent *entry;

	while (dir != NULL && f->files.count < FOLDER_MAX_FILES &&
	    (entry = readdir(dir)) != NULL) {
		cleanup_free char *name = NULL;

		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..") ||
		    str_eq(entry->d_name, ".git"))
			continue;
		if (!is_folder(dirfd(dir), entry)) {
			strlist_add_take(
			    &f->files, xasprintf("%s%s", below, entry->d_name));
			continue;
		}
		name = xasprintf("%s%s/", below, entry->d_name);
		if (depth < FOLDER_MAX_DEPTH)
			walk(f, name, depth + 1);
	}
}

static int
list_files(void *data, const char *project, const char *ref UNUSED,
    const struct strlist **out, struct error *err)
{
	struct folder *f = data;

	if (project != NULL)
		return error_set(
		    err, ERR_ENVIRONMENT, "project %s is not on this machine", project);
	if (!f->files_known) {
		walk(f, "", 0);
		strlist_sort(&f->files);
		f->files_known = true;
	}
	*out = &f->files;
	return 0;
}

static int
list_changed(void *data UNUSED, const char *compare_to, bool *known,
    const struct strlist **out UNUSED, struct error *err)
{
	*known = false;
	if (compare_to != NULL)
		return error_set(err, ERR_MISSING, "there is no git repository");
	return 0;
}

void
folder_init(struct folder *f, const char *root)
{
	*f = (struct folder){ .root = xstrdup(root) };
	f->provider = (struct provider){ f, read_file, list_files, list_changed };
}

void
folder_clear(struct folder *f)
{
	free(f->root);
	strlist_clear(&f->files);
}
