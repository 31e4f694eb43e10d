/* Trees of commits, by git. */
#include "runner/commit_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/git.h"
#include "base/map.h"
#include "base/path.h"
#include "runner/commit_git.h"
#include "runner/layers.h"

#define MAX_DIFF ((size_t)32 << 20)
#define LFS_NAME "lfs"
#define MODE_FOLDER 040000

bool
commit_tree_is_name(const char *sha)
{
	size_t len = strlen(sha);

	return (len == 40 || len == GIT_SHA_MAX - 1) &&
	    strspn(sha, "0123456789abcdef") == len;
}

size_t
commit_tree_hash_len(const char *sha)
{
	return strlen(sha) / 2;
}

/*
 * git-lfs takes large files from there, and puts those it fetches, while files are
 * written. No setting: that would hold for a remote repository on this machine, too.
 */
static int
lend_large_files(const struct commit_tree *t, const char *git_dir, struct error *err)
{
	cleanup_free char *link = path_join(git_dir, LFS_NAME);

	if (t->git == NULL || t->git->large_files == NULL)
		return 0;
	if (path_mkdirs(t->git->large_files, 0700, err) < 0)
		return err->code;
	return symlink(t->git->large_files, link) < 0
	    ? copy_errno(err, "cannot create", link)
	    : 0;
}

static int
take_large_files_back(const struct commit_tree *t, const char *git_dir, struct error *err)
{
	cleanup_free char *link = path_join(git_dir, LFS_NAME);

	if (t->git == NULL || t->git->large_files == NULL)
		return 0;
	return unlink(link) < 0 ? copy_errno(err, "cannot remove", link) : 0;
}

int
commit_tree_settle(const char *index, struct error *err)
{
	struct timespec now, until;
	struct stat st;

	if (stat(index, &st) < 0)
		return copy_errno(err, "cannot look at", index);
	until = (struct timespec){ .tv_sec = st.st_mtim.tv_sec + 1 };
	clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock of file times */
	while (now.tv_sec < until.tv_sec && now.tv_sec >= st.st_mtim.tv_sec) {
		const struct timespec pause = { .tv_nsec = 1000000000 - now.tv_nsec };

		nanosleep(&pause, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	}
	return utimensat(AT_FDCWD, index, NULL, 0) < 0
	    ? copy_errno(err, "cannot change", index)
	    : 0;
}

static int
settle(const char *git_dir, struct error *err)
{
	cleanup_free char *mark = path_join(git_dir, COMMIT_TREE_LFS_RAN);
	cleanup_free char *index = path_join(git_dir, "index");

	if (unlink(mark) < 0)
		return 0; /* no filter ran */
	return commit_tree_settle(index, err);
}

int
commit_tree_write(const struct commit_tree *t, const char *dir, struct error *err)
{
	const char *argv[] = { "git", "read-tree", "-u", "--reset", t->sha, NULL };
	cleanup_free char *git_dir = path_join(dir, ".git");
	cleanup_buf struct buf out = BUF_INIT;

	if (commit_git_dir_write(t, git_dir, err) < 0 ||
	    lend_large_files(t, git_dir, err) < 0)
		return err->code;
	if (commit_git_run(t, argv, dir, NULL, 0, &out, err) < 0)
		return error_wrap(err, "cannot check out %.12s", t->sha);
	if (take_large_files_back(t, git_dir, err) < 0)
		return err->code;
	return settle(git_dir, err);
}

/* ---- what differs ---------------------------------------------------------- */

void
commit_changes_clear(struct commit_changes *c)
{
	for (size_t i = 0; i < c->want_count; i++)
		free(c->wants[i].name);
	free(c->wants);
	strlist_clear(&c->gone);
	strlist_clear(&c->gone_folders);
	*c = (struct commit_changes){ .wants = NULL };
}

static bool
is_attributes(const char *path)
{
	return str_eq(path, ".gitattributes") || str_ends(path, "/.gitattributes");
}

static bool
read_hex(const char *text, size_t bytes, unsigned char *out)
{
	for (size_t i = 0; i < bytes; i++) {
		const char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };
		char *end;

		out[i] = (unsigned char)strtoul(digits, &end, 16);
		if (*end != '\0')
			return false;
	}
	return true;
}

static void
add_want(struct commit_changes *c, const char *name, uint32_t mode,
    const unsigned char id[GIT_INDEX_HASH_MAX])
{
	struct git_index_want *w;

	GROW(c->wants, c->want_count, c->want_cap);
	w = &c->wants[c->want_count++];
	*w = (struct git_index_want){ .name = xstrdup(name), .mode = mode };
	memcpy(w->id, id, GIT_INDEX_HASH_MAX);
}

/*
 * Would git take this name into an index? A tree may have any, and an index written here
 * is read by git without a look at its names. Source: git's read-cache.c, verify_path().
 */
static bool
is_honest(const char *path, unsigned mode)
{
	static const char *const refused[] = { "", ".", "..", ".git", "git~1" };

	for (const char *part = path;; part++) {
		size_t len = strcspn(part, "/");

		for (size_t i = 0; i < ARRAY_LEN(refused); i++)
			if (len == strlen(refused[i]) &&
			    strncasecmp(part, refused[i], len) == 0)
				return false;
		if ((mode & S_IFMT) == S_IFLNK && len == strlen(".gitmodules") &&
		    strncasecmp(part, ".gitmodules", len) == 0)
			return false;
		part += len;
		if (*part == '\0')
			return true;
	}
}

/* ":OLDMODE NEWMODE OLDID NEWID STATUS", and the path after it */
static bool
add_change(struct commit_changes *c, const char *facts, const char *path, size_t hash_len)
{
	unsigned char id[GIT_INDEX_HASH_MAX] = { 0 };
	unsigned old_mode, new_mode;
	const char *new_id;

	if (sscanf(facts, ":%o %o ", &old_mode, &new_mode) != 2 ||
	    strlen(facts) < 15 + 4 * hash_len + 3)
		return false;
	new_id = facts + 15 + 2 * hash_len + 1;
	if (!read_hex(new_id, hash_len, id) || !is_honest(path, new_mode))
		return false;
	if (new_mode == 0)
		strlist_add(old_mode == MODE_FOLDER ? &c->gone_folders : &c->gone, path);
	else if (new_mode != MODE_FOLDER)
		add_want(c, path, new_mode, id);
	c->attributes = c->attributes || is_attributes(path);
	return true;
}

static int
compare_wants(const void *a, const void *b)
{
	const struct git_index_want *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
sort_wants(struct commit_changes *c)
{
	if (c->want_count > 1)
		qsort(c->wants, c->want_count, sizeof(*c->wants), compare_wants);
}

/* A name twice, or a file's below which others lie. */
static bool
has_conflict(const struct commit_changes *c)
{
	cleanup_map struct map files = MAP_INIT;
	bool found = false;

	for (size_t i = 0; i < c->want_count; i++) {
		found = found || map_has(&files, c->wants[i].name);
		map_set(&files, c->wants[i].name, c->wants[i].name);
	}
	for (size_t i = 0; i < c->want_count && !found; i++) {
		cleanup_free char *name = xstrdup(c->wants[i].name);
		char *slash;

		while (!found && (slash = strrchr(name, '/')) != NULL) {
			*slash = '\0';
			found = map_has(&files, name);
		}
	}
	return found;
}

static bool
parse_changes(const struct buf *text, size_t hash_len, struct commit_changes *c)
{
	const char *p = buf_str(text), *end = p + text->len;

	while (p < end) {
		const char *path = p + strlen(p) + 1;

		if (path >= end || !add_change(c, p, path, hash_len))
			return false;
		p = path + strlen(path) + 1;
	}
	sort_wants(c);
	strlist_sort(&c->gone);
	strlist_sort(&c->gone_folders);
	return !has_conflict(c);
}

int
commit_tree_compare(const struct commit_tree *t, const char *from,
    struct commit_changes *out, struct error *err)
{
	const char *argv[] = { "git", "diff-tree", "-r", "-t", "-z", "--raw",
		"--no-renames", "--no-abbrev", "--ignore-submodules=none", from, t->sha,
		"--", NULL };
	struct commit_changes c = { .wants = NULL };
	cleanup_buf struct buf text = BUF_INIT;

	if (commit_git_run(t, argv, t->repo_dir, NULL, MAX_DIFF, &text, err) < 0)
		return error_wrap(err, "cannot compare %.12s and %.12s", from, t->sha);
	if (!parse_changes(&text, commit_tree_hash_len(t->sha), &c)) {
		commit_changes_clear(&c);
		return error_set(
		    err, ERR_INVALID, "what differs in %.12s no index can hold", t->sha);
	}
	*out = c;
	return 0;
}

/* ---- a delta --------------------------------------------------------------- */

/*
 * An index of what is to be written. All .gitattributes are in it and so are written too,
 * since git looks at them to know how to write the others.
 */
static int
write_wanted(const struct commit_changes *changes, const struct git_index *old,
    const char *file, struct error *err)
{
	cleanup_commit_changes struct commit_changes all = { .wants = NULL };
	unsigned char id[GIT_INDEX_HASH_MAX] = { 0 };
	struct git_index_entry e;
	size_t at = 0;

	for (size_t i = 0; i < changes->want_count; i++)
		add_want(&all, changes->wants[i].name, changes->wants[i].mode,
		    changes->wants[i].id);
	while (git_index_next(old, &at, &e)) {
		if (!is_attributes(e.name))
			continue;
		memcpy(id, e.id, old->hash_len);
		add_want(&all, e.name, e.mode, id);
	}
	sort_wants(&all);
	return git_index_write(all.wants, all.want_count, old->hash_len, file, err);
}

static int
check_out(const struct commit_tree *t, const struct commit_changes *changes,
    const struct git_index *old, const char *dir, const char *scratch,
    struct git_index *fresh, struct error *err)
{
	const char *argv[] = { "git", "checkout-index", "-a", "-u", "-q", NULL };
	cleanup_buf struct buf out = BUF_INIT;

	if (write_wanted(changes, old, scratch, err) < 0)
		return err->code;
	if (commit_git_run(t, argv, dir, scratch, 0, &out, err) < 0)
		return error_wrap(err, "cannot check out %.12s", t->sha);
	return git_index_read(scratch, old->hash_len, fresh, err);
}

/* Folders first: what was in one that is gone is hidden by its mark then. */
static int
mark_gone(const struct commit_changes *changes, const char *dir, struct error *err)
{
	const struct strlist *const lists[] = { &changes->gone_folders, &changes->gone };
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open %s", dir);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t k = 0; k < lists[i]->count; k++)
			if (layers_add_whiteout(fd, lists[i]->items[k], err) < 0)
				return err->code;
	return 0;
}

int
commit_tree_write_delta(const struct commit_tree *t, const struct commit_changes *changes,
    const struct git_index *old, const char *dir, const char *scratch,
    struct git_index *written, struct error *err)
{
	cleanup_free char *git_dir = path_join(dir, ".git");
	cleanup_free char *index = path_join(git_dir, "index");
	int rc;

	if (commit_git_dir_write(t, git_dir, err) < 0 ||
	    lend_large_files(t, git_dir, err) < 0)
		return err->code;
	rc = check_out(t, changes, old, dir, scratch, written, err);
	if (rc == 0)
		rc = take_large_files_back(t, git_dir, err);
	if (rc == 0)
		rc = mark_gone(changes, dir, err);
	if (rc == 0)
		rc = git_index_patch(old, written, &changes->gone, index, err);
	if (rc == 0)
		rc = settle(git_dir, err);
	if (unlink(scratch) < 0 && errno != ENOENT && rc == 0)
		rc = error_errno(err, "cannot remove %s", scratch);
	return rc;
}
