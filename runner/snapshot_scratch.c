/*
 * Where a repository's snapshots and job folders lie: outside of it, so that a tool that
 * searches upwards (Cargo.toml, package.json, .git) never finds the developer's files.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/snapshot.h"

#define ORIGIN "origin" /* in a scratch folder: the work tree it is for */
#define MAX_NAME 40

/* FNV-1a: the id only has to differ between the few repositories of one person. */
static uint64_t
hash_path(const char *path)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *path != '\0'; path++)
		h = (h ^ (unsigned char)*path) * 0x100000001b3;
	return h;
}

/* The last part of a path with nothing in it that scripts forget to quote. */
static char *
plain_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = xstrndup(slash == NULL ? path : slash + 1, MAX_NAME);

	for (char *p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("._-", *p) == NULL)
			*p = '-';
	if (*name == '\0' || *name == '.' || *name == '-')
		*name = 'p';
	return name;
}

/* /tmp is everybody's: the folder must be ours and closed to others. */
static int
make_tmp_base(const char *path, struct error *err)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot create folder %s", path);
	if (lstat(path, &st) < 0)
		return error_errno(err, "cannot use %s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "%s is not a folder of yours alone (mode 700)", path);
	if (access(path, W_OK | X_OK) < 0)
		return error_errno(err, "cannot write %s", path);
	return 0;
}

static int
make_base(const char *path, struct error *err)
{
	if (path_mkdirs(path, 0700, err) < 0)
		return -1;
	if (access(path, W_OK | X_OK) < 0)
		return error_errno(err, "cannot write %s", path);
	return 0;
}

/* The folder all scratch folders of this person are in; NULL: none can be written. */
static char *
find_base(struct error *err)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	cleanup_free char *base = NULL, *tmp = NULL;
	struct error first = ERROR_INIT, second = ERROR_INIT;

	if (xdg != NULL && *xdg == '/')
		base = path_join(xdg, "pawl");
	else if (home != NULL && *home == '/')
		base = xasprintf("%s/.cache/pawl", home);
	else
		error_set(&first, ERR_ENVIRONMENT, "HOME is not set");
	if (base != NULL && make_base(base, &first) == 0)
		return take(base);
	tmp = xasprintf("/tmp/pawl-%ju", (uintmax_t)geteuid());
	if (make_tmp_base(tmp, &second) == 0)
		return take(tmp);
	error_set(err, ERR_ENVIRONMENT,
	    "there is no folder to work in: %s; %s; let XDG_CACHE_HOME point to one that "
	    "can be written",
	    first.msg, second.msg);
	return NULL;
}

/* Does the work tree a scratch folder was made for still exist? */
static bool
is_orphan(const char *scratch)
{
	cleanup_free char *file = path_join(scratch, ORIGIN);
	cleanup_buf struct buf origin = BUF_INIT;
	struct error ignored = ERROR_INIT;

	return buf_read_file(&origin, file, 8192, &ignored) == 0 && origin.len > 1 &&
	    origin.data[0] == '/' && access(origin.data, F_OK) < 0 && errno == ENOENT;
}

/* Scratch folders of repositories that are gone; done when a new one is made. */
static void
sweep_orphans(const char *base)
{
	cleanup_closedir DIR *d = opendir(base);
	struct error ignored = ERROR_INIT;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *path = path_join(base, e->d_name);

		if (*e->d_name != '.' && is_orphan(path) &&
		    path_remove_tree(AT_FDCWD, path, &ignored) < 0)
			continue; /* the next new repository tries again */
	}
}

int
snapshot_scratch_dir(const char *root, char **out, struct error *err)
{
	cleanup_free char *base = find_base(err), *name = plain_name(root);
	cleanup_free char *scratch = NULL, *origin = NULL;

	if (base == NULL)
		return err->code;
	scratch = xasprintf("%s/%s-%016" PRIx64, base, name, hash_path(root));
	origin = path_join(scratch, ORIGIN);
	if (access(origin, F_OK) < 0) {
		sweep_orphans(base);
		if (path_mkdirs(scratch, 0700, err) < 0 ||
		    path_write_file(origin, root, strlen(root), 0600, err) < 0)
			return err->code = ERR_ENVIRONMENT;
	}
	*out = take(scratch);
	return 0;
}
