/* Files and changes of the work tree, for the compiler. */
#include "cli/worktree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

/* A file below root, never above it; errors name it as the pipeline file does. */
static int
read_below(
    const char *root, const char *path, size_t max, struct buf *out, struct error *err)
{
	cleanup_free char *clean = path_clean(path + strspn(path, "/"));
	cleanup_free char *full = NULL;
	cleanup_close int fd = -1;
	struct stat st;

	if (clean == NULL)
		return error_set(err, ERR_MISSING, "%s leads out of the project", path);
	full = path_join(root, clean);
	/* a FIFO must not make us wait for its writer */
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_set(err, ERR_MISSING, "%s does not exist", path);
	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID, "%s is not a file", path);
	if (buf_read_fd(out, fd, max, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

/* The folder that stands for another project. */
static const char *
find_project(const struct worktree *w, const char *project, struct error *err)
{
	const char *path = map_get(&w->projects, project);

	if (path == NULL)
		error_set(err, ERR_ENVIRONMENT,
		    "project %s is not on this machine; name a folder that holds it with "
		    "--project %s=PATH",
		    project, project);
	return path;
}

static int
read_file(void *data, const char *project, const char *ref UNUSED, const char *path,
    size_t max, struct buf *out, struct error *err)
{
	struct worktree *w = data;
	const char *root = w->root;
	const struct buf *extra =
	    project == NULL ? map_get(&w->extra, path + strspn(path, "/")) : NULL;

	if (extra != NULL) {
		buf_add(out, extra->data, extra->len);
		return 0;
	}
	if (project != NULL && (root = find_project(w, project, err)) == NULL)
		return ERR_ENVIRONMENT;
	return read_below(root, path, max, out, err);
}

static int
list_files(void *data, const char *project, const char *ref UNUSED,
    const struct strlist **out, struct error *err)
{
	struct worktree *w = data;

	if (project != NULL)
		return error_set(err, ERR_ENVIRONMENT,
		    "the files of project %s cannot be listed in a local run", project);
	if (!w->files_known) {
		if (git_repo_files(w->repo, &w->files, err) < 0)
			return error_wrap(err, "cannot list the repository's files");
		w->files_known = true;
	}
	*out = &w->files;
	return 0;
}

static int
find_changes(
    struct worktree *w, const char *compare_to, struct strlist *list, struct error *err)
{
	if (compare_to == NULL)
		return git_repo_changed(w->repo, w->before, w->sha, false, list, err);
	return git_repo_changed(w->repo, compare_to, w->sha, true, list, err);
}

int
worktree_resolve_pushed(
    struct git_repo *repo, const char *name, char sha[GIT_SHA_MAX], struct error *err)
{
	static const char heads[] = "refs/heads/";
	const char *branch = str_starts(name, heads) ? name + strlen(heads) : name;
	cleanup_free char *pushed = xasprintf("refs/remotes/origin/%s", branch);
	struct error ignored = ERROR_INIT;

	if (git_repo_resolve(repo, pushed, sha, &ignored) == 0)
		return 0;
	return git_repo_resolve(repo, name, sha, err);
}

static int
list_changed(void *data, const char *compare_to, bool *known, const struct strlist **out,
    struct error *err)
{
	struct worktree *w = data;
	const char *key = compare_to != NULL ? compare_to : "";
	struct strlist *list = map_get(&w->changed, key);

	*known = compare_to != NULL || w->before != NULL;
	if (!*known)
		return 0;
	if (list == NULL) {
		char sha[GIT_SHA_MAX];

		if (compare_to != NULL &&
		    worktree_resolve_pushed(w->repo, compare_to, sha, err) < 0)
			return ERR_MISSING;
		list = xcalloc(1, sizeof(*list));
		map_set(&w->changed, key, list);
		if (find_changes(w, compare_to != NULL ? sha : NULL, list, err) < 0)
			return error_wrap(err, "cannot compare commits");
	}
	*out = list;
	return 0;
}

void
worktree_init(struct worktree *w, struct git_repo *repo)
{
	*w = (struct worktree){ .repo = repo, .root = git_repo_work_tree(repo) };
	w->provider = (struct provider){ w, read_file, list_files, list_changed };
}

void
worktree_clear(struct worktree *w)
{
	map_for_each(p, &w->projects) {
		free(p->value);
	}
	map_for_each(c, &w->changed) {
		strlist_clear(c->value);
		free(c->value);
	}
	map_for_each(x, &w->extra) {
		buf_clear(x->value);
		free(x->value);
	}
	map_clear(&w->extra);
	map_clear(&w->projects);
	map_clear(&w->changed);
	strlist_clear(&w->files);
}

int
worktree_add_project(struct worktree *w, const char *spec, struct error *err)
{
	const char *eq = strchr(spec, '=');
	cleanup_free char *name = NULL;

	if (eq == NULL || eq == spec || memchr(spec, '/', (size_t)(eq - spec)) == NULL)
		return error_set(
		    err, ERR_INVALID, "--project %s: wanted GROUP/NAME=PATH", spec);
	if (access(eq + 1, R_OK | X_OK) < 0)
		return error_errno(err, "--project %s: cannot use %s", spec, eq + 1);
	name = xstrndup(spec, (size_t)(eq - spec));
	free(map_get(&w->projects, name));
	map_set(&w->projects, name, xstrdup(eq + 1));
	return 0;
}

void
worktree_add_file(struct worktree *w, const char *path, struct buf *text)
{
	struct buf *old = map_get(&w->extra, path);

	if (old == NULL) {
		old = xcalloc(1, sizeof(*old));
		map_set(&w->extra, path, old);
	}
	buf_clear(old);
	*old = *text;
	*text = (struct buf)BUF_INIT;
}
