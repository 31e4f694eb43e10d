/* Snapshots: what changed since the slot was last used is copied, the rest stays. */
#include "runner/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/log.h"
#include "base/path.h"
#include "runner/snapshot_git.h"
#include "runner/snapshot_internal.h"
#include "runner/snapshot_manifest.h"
#include "runner/snapshot_slot.h"

#define MAX_DEPTH 16 /* of repositories in repositories */

/* A repository in the work tree: the main one, a submodule, a clone. */
struct member {
	struct git_repo *repo; /* owned, except the main one */
	char *prefix;          /* "" or "path/of/it/" */
};

/* One taking of a snapshot. */
struct taking {
	struct snapshot *s;
	const char *tree; /* its only layer */
	const char *sha;
	struct manifest now;
	struct member *members;
	size_t member_count, member_cap;
	int from_fd, to_fd; /* the work tree and the slot's tree */
	struct copier copier;
	char *last_dir; /* made for the last file */
};

static void
taking_clear(struct taking *t)
{
	for (size_t i = 0; i < t->member_count; i++) {
		if (i > 0)
			git_repo_close(t->members[i].repo);
		free(t->members[i].prefix);
	}
	free(t->members);
	manifest_clear(&t->now);
	free(t->last_dir);
	if (t->from_fd >= 0)
		close(t->from_fd);
	if (t->to_fd >= 0)
		close(t->to_fd);
}

static int list_member(struct taking *t, size_t index, int depth, struct error *err);

/* The repository whose work tree is exactly this folder, or NULL. */
static struct git_repo *
open_inner(const struct taking *t, const char *path)
{
	cleanup_free char *dir = path_join(git_repo_work_tree(t->members[0].repo), path);
	cleanup_git_repo struct git_repo *repo = NULL;
	struct error ignored = ERROR_INIT;

	if (git_repo_open(dir, &repo, &ignored) < 0 ||
	    !str_eq(git_repo_work_tree(repo), dir))
		return NULL;
	return take(repo);
}

/* A folder in git's list: another repository, or the place for one not checked out. */
static int
add_folder(
    struct taking *t, char *path, const struct stat *st, int depth, struct error *err)
{
	cleanup_free char *dir = path;
	size_t len = strlen(dir);
	struct git_repo *repo;

	if (len > 0 && dir[len - 1] == '/')
		dir[len - 1] = '\0';
	repo = depth < MAX_DEPTH ? open_inner(t, dir) : NULL;
	if (repo == NULL) {
		strlist_add(&t->s->absent, dir);
		manifest_add_take(&t->now, take(dir), st);
		return 0;
	}
	GROW(t->members, t->member_count, t->member_cap);
	t->members[t->member_count] = (struct member){ repo, xasprintf("%s/", dir) };
	return list_member(t, t->member_count++, depth + 1, err);
}

/* What is listed but gone, or neither file nor link, is not part of the state. */
static int
list_member(struct taking *t, size_t index, int depth, struct error *err)
{
	cleanup_strlist struct strlist files = STRLIST_INIT;

	if (git_repo_files(t->members[index].repo, &files, err) < 0)
		return err->code;
	for (size_t i = 0; i < files.count; i++) {
		cleanup_free char *path =
		    xasprintf("%s%s", t->members[index].prefix, files.items[i]);
		struct stat st;

		if (fstatat(t->from_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			if (add_folder(t, take(path), &st, depth, err) < 0)
				return err->code;
		} else if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) {
			manifest_add_take(&t->now, take(path), &st);
		}
	}
	return 0;
}

/* Remove a file of the slot, and the folders it leaves empty. */
static int
remove_file(struct taking *t, const char *path, struct error *err)
{
	cleanup_free char *dir = xstrdup(path);
	char *slash;

	if (path_remove_tree(t->to_fd, path, err) < 0)
		return err->code;
	while ((slash = strrchr(dir, '/')) != NULL) {
		*slash = '\0';
		if (unlinkat(t->to_fd, dir, AT_REMOVEDIR) < 0)
			break; /* not empty */
	}
	free(t->last_dir);
	t->last_dir = NULL;
	return 0;
}

/* Files come sorted, so that most lie in the folder of the one before. */
static int
make_folder(struct taking *t, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (len == 0 ||
	    (t->last_dir != NULL && strlen(t->last_dir) == len &&
		memcmp(t->last_dir, path, len) == 0))
		return 0;
	if (path_mkdirs_at(t->to_fd, path, 0777, err) < 0)
		return err->code;
	free(t->last_dir);
	t->last_dir = xstrndup(path, len);
	return 0;
}

/* Copy one file. One that cannot be had loses its path, which is no failure. */
static int
copy_entry(struct taking *t, struct manifest_entry *e, struct error *err)
{
	struct stat st;
	int rc;

	if (make_folder(t, e->path, err) < 0)
		return err->code;
	if (S_ISDIR(e->mode)) {
		if (mkdirat(t->to_fd, e->path, 0777) < 0 && errno != EEXIST)
			return copy_errno(err, "cannot create folder", e->path);
		return 0;
	}
	rc = copy_file(&t->copier, t->from_fd, t->to_fd, e->path, &st, err);
	if (rc == 0) {
		manifest_set(e, &st);
		return 0;
	}
	if (rc == -EACCES || rc == -EPERM)
		log_warn("%s; the jobs will not have this file", err->msg);
	else if (rc != ERR_MISSING)
		return rc;
	e->path = NULL;
	return 0;
}

/* What the slot has that is gone or different now. */
static int
remove_outdated(
    struct taking *t, const struct manifest *old, bool *keep, struct error *err)
{
	size_t n = 0;

	for (size_t o = 0; o < old->count; o++) {
		const struct manifest_entry *was = &old->entries[o];

		while (n < t->now.count && strcmp(t->now.entries[n].path, was->path) < 0)
			n++;
		if (n < t->now.count && str_eq(t->now.entries[n].path, was->path) &&
		    manifest_is_current(old, was, &t->now.entries[n])) {
			keep[n] = true;
			continue;
		}
		if (remove_file(t, was->path, err) < 0)
			return err->code;
	}
	return 0;
}

static int
copy_missing(struct taking *t, const bool *keep, struct error *err)
{
	size_t kept = 0;

	for (size_t n = 0; n < t->now.count; n++)
		if (!keep[n] && t->now.entries[n].path != NULL &&
		    copy_entry(t, &t->now.entries[n], err) < 0)
			return err->code;
	for (size_t n = 0; n < t->now.count; n++)
		if (t->now.entries[n].path != NULL)
			t->now.entries[kept++] = t->now.entries[n];
	t->now.count = kept;
	return 0;
}

/*
 * The repositories in the tree, as a file beside it. One that has come or gone leaves a
 * .git behind or lacks one: such a tree is made anew.
 */
static bool
has_same_members(struct taking *t)
{
	cleanup_free char *file = path_join(t->s->slot.dir, "members");
	cleanup_buf struct buf now = BUF_INIT, old = BUF_INIT;
	struct error ignored = ERROR_INIT;

	for (size_t i = 0; i < t->member_count; i++)
		buf_add(&now, t->members[i].prefix, strlen(t->members[i].prefix) + 1);
	if (buf_read_file(&old, file, now.len, &ignored) == 0 && old.len == now.len &&
	    (now.len == 0 || memcmp(old.data, now.data, now.len) == 0))
		return true;
	if (path_write_file(file, now.data, now.len, 0600, &ignored) < 0)
		unlink(file);
	return false;
}

static bool
is_all_kept(const struct taking *t, const struct manifest *old)
{
	if (old->count != t->now.count)
		return false;
	for (size_t i = 0; i < old->count; i++)
		if (!str_eq(old->entries[i].path, t->now.entries[i].path) ||
		    !manifest_is_current(old, &old->entries[i], &t->now.entries[i]))
			return false;
	return true;
}

/* Start from nothing: the first time, or when what is there cannot be trusted. */
static int
reset_tree(struct taking *t, struct error *err)
{
	cleanup_free char *git = path_join(t->s->slot.dir, "git");

	unlink(git);
	if (path_remove_tree(AT_FDCWD, t->tree, err) < 0)
		return err->code;
	return path_mkdirs(t->tree, 0777, err);
}

/* The manifest is away while it is not true. */
static int
change_tree(
    struct taking *t, const struct manifest *old, const char *manifest, struct error *err)
{
	cleanup_free bool *keep = xcalloc(t->now.count + 1, sizeof(*keep));

	unlink(manifest);
	if (old->count == 0 && reset_tree(t, err) < 0)
		return err->code;
	t->to_fd = open(t->tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->to_fd < 0)
		return error_errno(err, "cannot open %s", t->tree);
	if (remove_outdated(t, old, keep, err) < 0 || copy_missing(t, keep, err) < 0)
		return err->code;
	return manifest_write(&t->now, manifest, err);
}

static int
update_tree(struct taking *t, struct error *err)
{
	cleanup_free char *file = path_join(t->s->slot.dir, "manifest");
	cleanup_manifest struct manifest old = MANIFEST_INIT;

	if (!has_same_members(t))
		unlink(file);
	manifest_read(&old, file);
	if (old.count > 0 && is_all_kept(t, &old))
		return 0;
	return change_tree(t, &old, file, err);
}

/* Somebody tidied up in the slot: once more, from nothing. */
static int
retry_tree(struct taking *t, struct error *err)
{
	if (err->code <= ERR_INVALID)
		return err->code;
	log_debug("%s; the snapshot is made anew", err->msg);
	*err = (struct error)ERROR_INIT;
	close(t->to_fd);
	t->to_fd = -1;
	return update_tree(t, err);
}

/* The .git folders, all made anew when anything they come from has changed. */
static int
update_git(struct taking *t, struct error *err)
{
	cleanup_free char *file = path_join(t->s->slot.dir, "git");
	cleanup_buf struct buf now = BUF_INIT, old = BUF_INIT;
	struct error ignored = ERROR_INIT;

	for (size_t i = 0; i < t->member_count; i++)
		snapshot_git_signature(t->members[i].repo, i == 0 ? t->sha : "", &now);
	if (buf_read_file(&old, file, now.len, &ignored) == 0 && old.len == now.len &&
	    (now.len == 0 || memcmp(old.data, now.data, now.len) == 0))
		return 0;
	unlink(file);
	for (size_t i = 0; i < t->member_count; i++) {
		cleanup_free char *dir = path_join(t->tree, t->members[i].prefix);

		if (path_mkdirs(dir, 0777, err) < 0 ||
		    snapshot_git_write(
			t->members[i].repo, i == 0 ? t->sha : "", dir, err) < 0)
			return err->code;
	}
	return path_write_file(file, now.data, now.len, 0600, err);
}

static void
describe(struct taking *t)
{
	struct snapshot *s = t->s;
	int64_t now_ns = t->now.taken_ns;

	s->oldest_ns = s->newest_ns = now_ns;
	for (size_t i = 0; i < t->now.count; i++) {
		const struct manifest_entry *e = &t->now.entries[i];

		if (S_ISDIR(e->mode))
			continue;
		strlist_add(&s->names->list, e->path);
		if (e->mtime_ns < s->oldest_ns)
			s->oldest_ns = e->mtime_ns;
		if (i == 0 || e->mtime_ns > s->newest_ns)
			s->newest_ns = e->mtime_ns;
	}
}

static int
fill(struct taking *t, struct error *err)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock of file times */
	t->now.taken_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	t->from_fd = open(
	    git_repo_work_tree(t->members[0].repo), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->from_fd < 0)
		return error_errno(err, "cannot open the work tree");
	if (list_member(t, 0, 0, err) < 0)
		return err->code;
	manifest_sort(&t->now);
	if (update_tree(t, err) < 0 && retry_tree(t, err) < 0)
		return err->code;
	if (update_git(t, err) < 0)
		return err->code;
	describe(t);
	return 0;
}

/* What is wrong with files is wrong with this machine, not with the pipeline. */
static int
environment_error(const struct git_repo *repo, struct error *err)
{
	if (err->code > ERR_INVALID)
		err->code = ERR_ENVIRONMENT;
	return error_wrap(err, "cannot take a snapshot of %s", git_repo_work_tree(repo));
}

int
snapshot_take(struct git_repo *repo, const struct git_facts *facts,
    const char *scratch_dir, struct snapshot **out, struct error *err)
{
	struct snapshot *s = snapshot_new();
	struct taking t = { .s = s, .sha = facts->sha, .from_fd = -1, .to_fd = -1 };
	int rc;

	rc = slot_take(scratch_dir, &s->slot, err);
	if (rc == 0) {
		strlist_add_take(&s->layers, path_join(s->slot.dir, "tree"));
		t.tree = s->layers.items[0];
		GROW(t.members, t.member_count, t.member_cap);
		t.members[t.member_count++] = (struct member){ repo, xstrdup("") };
		rc = fill(&t, err);
		taking_clear(&t);
	}
	if (rc < 0) {
		snapshot_release(s);
		return environment_error(repo, err);
	}
	slot_sweep(scratch_dir);
	*out = s;
	return 0;
}

struct snapshot *
snapshot_new(void)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));

	s->slot = (struct slot)SLOT_INIT;
	s->more_lock = -1;
	s->names = xcalloc(1, sizeof(*s->names));
	return s;
}

void
snapshot_release(struct snapshot *s)
{
	if (s == NULL)
		return;
	slot_clear(&s->slot);
	strlist_clear(&s->names->list);
	free(s->names);
	strlist_clear(&s->layers);
	strlist_clear(&s->absent);
	free(s->index);
	free(s->more_names);
	if (s->more_lock >= 0)
		close(s->more_lock);
	free(s);
}

const struct strlist *
snapshot_layers(const struct snapshot *s)
{
	return &s->layers;
}

const char *
snapshot_use_lock(const struct snapshot *s)
{
	return s->slot.use_lock;
}

const struct strlist *
snapshot_absent(const struct snapshot *s)
{
	return &s->absent;
}

const struct strlist *
snapshot_files(const struct snapshot *s)
{
	if (s->names->unread)
		snapshot_read_names(s);
	return &s->names->list;
}

int64_t
snapshot_oldest_ns(const struct snapshot *s)
{
	return s->oldest_ns;
}

int64_t
snapshot_newest_ns(const struct snapshot *s)
{
	return s->newest_ns;
}
