/*
 * The tree of a commit: DIR/tree, made in DIR/new by `git read-tree`, which knows
 * filters, line ends and both hashes; DIR/files says what is in it. Whoever uses it holds
 * DIR/lock shared, whoever makes or removes it alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/path.h"
#include "base/process.h"
#include "runner/snapshot_internal.h"

#define NS INT64_C(1000000000)
#define MAX_FILES_BYTES ((size_t)256 << 20)
#define GIT_LIMIT_MS (30 * 60 * 1000)
#define UNUSED_S (24 * 3600)

/* ---- what is in it --------------------------------------------------------- */

struct listing {
	struct strlist files;
	int64_t oldest_ns, newest_ns;
};

static void
note_time(struct listing *l, const struct stat *st)
{
	int64_t t = (int64_t)st->st_mtim.tv_sec * NS + st->st_mtim.tv_nsec;

	if (l->files.count == 1 || t < l->oldest_ns)
		l->oldest_ns = t;
	if (l->files.count == 1 || t > l->newest_ns)
		l->newest_ns = t;
}

/* Depth is bounded by git, which made the folders from paths of at most 4096 bytes. */
static int
list_folder(
    int at, const char *name, const char *prefix, struct listing *l, struct error *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL)
		return error_errno(err, "cannot list %s", prefix);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		cleanup_free char *path = NULL;
		struct stat st;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") ||
		    (*prefix == '\0' && str_eq(e->d_name, ".git")) ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			path = xasprintf("%s%s/", prefix, e->d_name);
			if (list_folder(fd, e->d_name, path, l, err) < 0)
				return err->code;
			continue;
		}
		strlist_add_take(&l->files, xasprintf("%s%s", prefix, e->d_name));
		note_time(l, &st);
	}
	return 0;
}

static int
write_listing(const char *dir, const char *tree, struct error *err)
{
	cleanup_free char *file = path_join(dir, "files");
	cleanup_buf struct buf text = BUF_INIT;
	struct listing l = { .files = STRLIST_INIT };
	int rc = list_folder(AT_FDCWD, tree, "", &l, err);

	strlist_sort(&l.files);
	buf_printf(&text, "1 %" PRId64 " %" PRId64 "\n", l.oldest_ns, l.newest_ns);
	for (size_t i = 0; i < l.files.count; i++)
		buf_add(&text, l.files.items[i], strlen(l.files.items[i]) + 1);
	if (rc == 0)
		rc = path_write_file(file, text.data, text.len, 0600, err);
	strlist_clear(&l.files);
	return rc;
}

static int
read_listing(const char *dir, struct snapshot *s, struct error *err)
{
	cleanup_free char *file = path_join(dir, "files");
	cleanup_buf struct buf text = BUF_INIT;
	const char *p, *end;

	if (buf_read_file(&text, file, MAX_FILES_BYTES, err) < 0)
		return err->code;
	if (sscanf(buf_str(&text), "1 %" SCNd64 " %" SCNd64, &s->oldest_ns,
		&s->newest_ns) != 2 ||
	    (p = strchr(text.data, '\n')) == NULL)
		return error_set(err, ERR_INVALID, "%s is damaged", file);
	for (end = text.data + text.len, p++; p < end; p += strlen(p) + 1)
		strlist_add(&s->files, p);
	return 0;
}

/* ---- making it ------------------------------------------------------------- */

static int
write_text(const char *dir, const char *name, const char *text, struct error *err)
{
	cleanup_free char *file = path_join(dir, name);

	return path_write_file(file, text, strlen(text), 0666, err);
}

/* A path in double quotes, as git's alternates and configuration take it. */
static void
add_quoted(struct buf *b, const char *text)
{
	buf_add_char(b, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, *text);
	}
	buf_add_char(b, '"');
}

static int
write_config(
    const char *git_dir, const char *sha, const char *remote_url, struct error *err)
{
	bool sha256 = strlen(sha) == GIT_SHA_MAX - 1;
	cleanup_buf struct buf text = BUF_INIT;

	/* gc in the background would outlive its job; stat data beyond times and sizes
	 * differ in an overlay
	 */
	buf_printf(&text,
	    "[core]\n\trepositoryformatversion = %d\n\tbare = false\n\tfilemode = true\n"
	    "\tcheckStat = minimal\n\ttrustctime = false\n[gc]\n\tauto = 0\n",
	    sha256);
	if (sha256)
		buf_add_str(&text, "[extensions]\n\tobjectformat = sha256\n");
	if (remote_url != NULL && strpbrk(remote_url, "\n\r") == NULL) {
		buf_add_str(&text, "[remote \"origin\"]\n\turl = ");
		add_quoted(&text, remote_url);
		buf_add_str(&text, "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n");
	}
	return write_text(git_dir, "config", buf_str(&text), err);
}

static int
copy_shallow(const char *repo_dir, const char *git_dir, struct error *err)
{
	cleanup_close int from = open(repo_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int to = open(git_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct copier c = { .files = 0 };

	if (from < 0 || to < 0)
		return error_errno(err, "cannot open %s", from < 0 ? repo_dir : git_dir);
	if (faccessat(from, "shallow", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return copy_file(&c, from, to, "shallow", NULL, err);
}

static int
write_git_dir(const char *repo_dir, const char *sha, const char *remote_url,
    const char *git_dir, struct error *err)
{
	static const char *const folders[] = { "objects/info", "objects/pack",
		"refs/heads", "refs/tags", "info" };
	cleanup_free char *head = xasprintf("%s\n", sha);
	cleanup_free char *objects = path_join(repo_dir, "objects");
	cleanup_buf struct buf alternates = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		cleanup_free char *folder = path_join(git_dir, folders[i]);

		if (path_mkdirs(folder, 0777, err) < 0)
			return err->code;
	}
	add_quoted(&alternates, objects);
	buf_add_char(&alternates, '\n');
	if (write_text(git_dir, "HEAD", head, err) < 0 ||
	    write_text(git_dir, "objects/info/alternates", buf_str(&alternates), err) <
		0 ||
	    write_config(git_dir, sha, remote_url, err) < 0)
		return err->code;
	return copy_shallow(repo_dir, git_dir, err);
}

/* What the runner was called from does not count; the user's settings do: LFS is there.
 */
static int
run_read_tree(const char *tree, const char *sha, struct error *err)
{
	const char *argv[] = { "git", "read-tree", "-u", "--reset", sha, NULL };
	cleanup_free char *path = xasprintf(
	    "PATH=%s", getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin");
	cleanup_free char *home =
	    xasprintf("HOME=%s", getenv("HOME") != NULL ? getenv("HOME") : "/");
	const char *env[] = { path, home, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C.UTF-8",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory",
		"GIT_CONFIG_VALUE_0=*", NULL };
	struct process p = {
		.argv = argv, .env = env, .cwd = tree, .timeout_ms = GIT_LIMIT_MS
	};
	cleanup_buf struct buf out = BUF_INIT;

	if (process_run(&p, &out, NULL, err) < 0)
		return error_wrap(err, "cannot check out %.12s", sha);
	return 0;
}

static bool
is_sha(const char *sha)
{
	size_t len = strlen(sha);

	return (len == 40 || len == GIT_SHA_MAX - 1) &&
	    strspn(sha, "0123456789abcdef") == len;
}

/* Under a name of its own until it is whole. */
static int
make_tree(const char *repo_dir, const char *sha, const char *remote_url, const char *dir,
    struct error *err)
{
	cleanup_free char *fresh = path_join(dir, "new"), *tree = path_join(dir, "tree");
	cleanup_free char *git_dir = path_join(fresh, ".git");

	if (path_remove_tree(AT_FDCWD, tree, err) < 0 ||
	    path_remove_tree(AT_FDCWD, fresh, err) < 0 ||
	    write_git_dir(repo_dir, sha, remote_url, git_dir, err) < 0 ||
	    run_read_tree(fresh, sha, err) < 0 || write_listing(dir, fresh, err) < 0)
		return err->code;
	if (rename(fresh, tree) < 0)
		return copy_errno(err, "cannot create", tree);
	return 0;
}

/* ---- holding it ------------------------------------------------------------ */

static int
take_lock(const char *dir, int how, struct error *err)
{
	cleanup_free char *file = path_join(dir, "lock");
	cleanup_close int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, how) < 0)
		return error_errno(err, "cannot lock %s", file);
	return take_fd(&fd);
}

static int
open_tree(const char *dir, struct snapshot **out, struct error *err)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));

	s->slot = (struct slot)SLOT_INIT;
	s->tree = path_join(dir, "tree");
	s->slot.lock_fd = take_lock(dir, LOCK_SH, err);
	if (s->slot.lock_fd < 0 || access(s->tree, F_OK) < 0 ||
	    read_listing(dir, s, err) < 0) {
		snapshot_release(s);
		return error_set(err, ERR_MISSING, "there is no tree in %s", dir);
	}
	futimens(s->slot.lock_fd, NULL); /* when it was last used */
	*out = s;
	return 0;
}

int
snapshot_reuse(const char *dir, struct snapshot **out, struct error *err)
{
	if (access(dir, F_OK) < 0)
		return error_set(err, ERR_MISSING, "there is no tree in %s", dir);
	return open_tree(dir, out, err);
}

int
snapshot_of_commit(const char *repo_dir, const char *sha, const char *remote_url,
    const char *dir, struct snapshot **out, struct error *err)
{
	cleanup_free char *files = path_join(dir, "files"),
			  *tree = path_join(dir, "tree");
	struct error ignored = ERROR_INIT;
	cleanup_close int lock = -1;

	if (!is_sha(sha))
		return error_set(err, ERR_INVALID, "\"%.80s\" is no commit", sha);
	if (path_mkdirs(dir, 0700, err) < 0)
		return err->code;
	if (open_tree(dir, out, &ignored) == 0)
		return 0;
	lock = take_lock(dir, LOCK_EX, err);
	if (lock < 0)
		return lock;
	/* another may have made it while we waited */
	if ((access(files, F_OK) < 0 || access(tree, F_OK) < 0) &&
	    make_tree(repo_dir, sha, remote_url, dir, err) < 0)
		return err->code;
	if (flock(lock, LOCK_UN) < 0)
		return error_errno(err, "cannot unlock %s", dir);
	return open_tree(dir, out, err);
}

/* ---- sweeping -------------------------------------------------------------- */

struct swept {
	char *dir;
	time_t used;
};

static int
compare_use(const void *a, const void *b)
{
	const struct swept *x = a, *y = b;

	return x->used < y->used ? 1 : x->used > y->used ? -1 : 0;
}

/* The lock stays: removing it could take it from under somebody who waits for it. */
static void
remove_tree(const char *dir)
{
	static const char *const parts[] = { "files", "tree", "new" };
	struct error ignored = ERROR_INIT;
	cleanup_close int lock = take_lock(dir, LOCK_EX | LOCK_NB, &ignored);

	for (size_t i = 0; lock >= 0 && i < ARRAY_LEN(parts); i++) {
		cleanup_free char *path = path_join(dir, parts[i]);

		if (path_remove_tree(AT_FDCWD, path, &ignored) < 0)
			return;
	}
}

void
snapshot_sweep_commits(const char *base_dir, size_t keep)
{
	cleanup_closedir DIR *d = opendir(base_dir);
	struct swept *all = NULL;
	size_t count = 0, cap = 0;
	time_t now = time(NULL);

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *dir = path_join(base_dir, e->d_name);
		cleanup_free char *files = path_join(dir, "files");
		cleanup_free char *lock = path_join(dir, "lock");
		struct stat st;

		if (*e->d_name == '.' || access(files, F_OK) < 0 || stat(lock, &st) < 0)
			continue;
		GROW(all, count, cap);
		all[count++] = (struct swept){ take(dir), st.st_mtime };
	}
	if (count > 0)
		qsort(all, count, sizeof(*all), compare_use);
	for (size_t i = 0; i < count; i++) {
		if (i >= keep || now - all[i].used > UNUSED_S)
			remove_tree(all[i].dir);
		free(all[i].dir);
	}
	free(all);
}
