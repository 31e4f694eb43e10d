/* Matching files in a workspace. */
#include "runner/collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/glob.h"
#include "base/map.h"
#include "base/path.h"
#include "runner/environment.h"

#define ANY_DEPTH SIZE_MAX

/* Source: runner-protocol.md section 9; a local store prefers speed when not told. */
static const struct {
	const char *name;
	int level;
} levels[] = { { "fastest", 1 }, { "fast", 2 }, { "default", 3 }, { "slow", 9 },
	{ "slowest", 19 } };

int
collect_level(const struct job_payload *job, const char *variable)
{
	const char *value = job_payload_variable(job, variable);

	for (size_t i = 0; value != NULL && i < ARRAY_LEN(levels); i++)
		if (str_eq(value, levels[i].name))
			return levels[i].level;
	return 1;
}

bool
collect_when_fits(const char *when, bool success)
{
	if (when == NULL || str_eq(when, "on_success"))
		return success;
	return str_eq(when, "always") || (str_eq(when, "on_failure") && !success);
}

/* A folder still to be looked through. */
struct pending {
	char *path; /* "." is the project folder */
	bool taken; /* all in it counts, because it fits itself */
};

/* One walk, for one pattern or for what is untracked. */
struct walk {
	const struct collect *c;
	const struct glob *glob;   /* NULL: untracked */
	const struct map *tracked; /* for untracked */
	size_t depth;              /* of slashes a path that fits may have */
	struct glob **exclude;     /* c->exclude_count of them */
	struct pending *todo;
	size_t todo_count, todo_cap;
	/* The folder looked into last: the next one is most often in it, and a chain of
	 * thousands is not gone through from the top each time. -1: none */
	int last_fd;
	char *last_path;
	struct strlist *out;
	size_t found;
};

static bool
is_excluded(const struct walk *w, const char *path)
{
	for (size_t i = 0; i < w->c->exclude_count; i++)
		if (w->exclude[i] != NULL && glob_fits(w->exclude[i], path))
			return true;
	return false;
}

static void
take_path(struct walk *w, const char *path)
{
	w->found++;
	if (!is_excluded(w, path))
		strlist_add(w->out, path);
}

/* What is too deep for a path could not be packed either. */
static void
look_into_later(struct walk *w, const char *path, bool taken)
{
	if (strlen(path) >= PATH_MAX)
		return;
	GROW(w->todo, w->todo_count, w->todo_cap);
	w->todo[w->todo_count++] = (struct pending){ xstrdup(path), taken };
}

static size_t
count_slashes(const char *s)
{
	size_t n = 0;

	while ((s = strchr(s, '/')) != NULL) {
		n++;
		s++;
	}
	return n;
}

/* A folder that is a repository of its own: git lists nothing in it as untracked. */
static bool
has_git(int dir_fd, const char *path)
{
	cleanup_free char *inner = path_join(path, ".git");

	return faccessat(dir_fd, inner, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
visit_untracked(struct walk *w, const char *path, bool is_dir)
{
	if (is_dir) {
		if (!str_eq(path, ".git") && !has_git(w->c->view->fd, path))
			look_into_later(w, path, false);
	} else if (!map_has(w->tracked, path)) {
		take_path(w, path);
	}
}

static void
visit(struct walk *w, const char *path, bool is_dir, bool taken)
{
	if (w->glob == NULL) {
		visit_untracked(w, path, is_dir);
		return;
	}
	taken = taken || glob_fits(w->glob, path);
	if (taken)
		take_path(w, path);
	if (is_dir && (taken || w->depth == ANY_DEPTH || count_slashes(path) < w->depth))
		look_into_later(w, path, taken);
}

/* A folder by its path, no part of which may be a link. */
static int
open_folder(int dir_fd, const char *path)
{
	cleanup_free char *copy = xstrdup(path);
	char *save = NULL;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (char *part = strtok_r(copy, "/", &save); fd >= 0 && part != NULL;
	     part = strtok_r(NULL, "/", &save)) {
		int next =
		    openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		close(fd);
		fd = next;
	}
	return fd;
}

static void
forget_last(struct walk *w)
{
	cleanup_close_fd(&w->last_fd);
	w->last_fd = -1;
	free(w->last_path);
	w->last_path = NULL;
}

static int
open_pending(struct walk *w, const char *path)
{
	size_t len = w->last_path == NULL ? 0 : strlen(w->last_path);
	bool is_in_last =
	    len > 0 && strncmp(path, w->last_path, len) == 0 && path[len] == '/';
	int fd = is_in_last ? open_folder(w->last_fd, path + len + 1)
			    : open_folder(w->c->view->fd, path);

	forget_last(w);
	if (fd < 0)
		return fd;
	w->last_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (w->last_fd >= 0)
		w->last_path = xstrdup(path);
	return fd;
}

static bool
is_folder(int fd, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

static void
look_into(struct walk *w, const struct pending *folder)
{
	int fd = open_pending(w, folder->path);
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *path = NULL;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		path = str_eq(folder->path, ".") ? xstrdup(e->d_name)
						 : path_join(folder->path, e->d_name);
		visit(w, path, is_folder(fd, e), folder->taken);
	}
	if (d == NULL && fd >= 0)
		close(fd);
}

static int
run_walk(struct walk *w, struct error *err)
{
	int rc = 0;

	while (w->todo_count > 0) {
		struct pending folder = w->todo[--w->todo_count];

		if (rc == 0 && w->c->cancel != NULL && atomic_load(w->c->cancel))
			rc = error_set(err, ERR_CANCELED, "canceled");
		if (rc == 0)
			look_into(w, &folder);
		free(folder.path);
	}
	forget_last(w);
	free(w->todo);
	w->todo = NULL;
	w->todo_count = w->todo_cap = 0;
	return rc;
}

/*
 * A path as written to one below the project folder, tidied up; NULL when it leads out
 * of it. "." is all of it.
 */
char *
collect_relative(const struct workspace_view *view, const char *text)
{
	cleanup_free char *path = environment_expand(view->env, text);
	size_t len = strlen(view->project_dir);

	if (str_starts(path, view->project_dir) &&
	    (path[len] == '/' || path[len] == '\0')) {
		const char *rest = path + len + strspn(path + len, "/");

		return path_clean(rest);
	}
	return path_clean(path);
}

char *
collect_plain_path(const struct workspace_view *view, const char *pattern)
{
	cleanup_free char *path = collect_relative(view, pattern);

	return path != NULL && glob_is_literal(path) ? take(path) : NULL;
}

/* The folder the walk for a pattern starts in, and whether that one fits already. */
static void
start_walk(struct walk *w, const char *pattern)
{
	size_t len = glob_literal_prefix(pattern);
	cleanup_free char *start = xstrndup(pattern, len);
	struct stat st;
	char *slash;

	if (str_eq(pattern, ".")) { /* the project folder itself fits */
		look_into_later(w, ".", true);
		return;
	}
	if (!glob_is_literal(pattern)) {
		if (len > 0)
			start[len - 1] = '\0';
		look_into_later(w, len > 0 ? start : ".", false);
		return;
	}
	slash = strrchr(start, '/');
	if (slash != NULL) {
		cleanup_free char *parent = xstrndup(start, (size_t)(slash - start));
		cleanup_close int fd = open_folder(w->c->view->fd, parent);

		if (fd < 0)
			return; /* missing, or behind a link */
	}
	if (fstatat(w->c->view->fd, pattern, &st, AT_SYMLINK_NOFOLLOW) == 0)
		visit(w, pattern, S_ISDIR(st.st_mode), false);
}

void
collect_warn_missing(
    const struct workspace_view *view, const char *pattern, struct buf *log)
{
	buf_printf(log,
	    "\033[0;33mWARNING: %s: no matching files. Ensure that the artifact "
	    "path is relative to the working directory (%s)\033[0;m\n",
	    pattern, view->project_dir);
}

static void
log_found(const struct walk *w, const char *what, struct buf *log)
{
	if (w->found == 0)
		collect_warn_missing(w->c->view, what, log);
	else if (!w->c->warnings_only)
		buf_printf(log, "%s: found %zu matching artifact files and directories\n",
		    what, w->found);
}

static int
collect_pattern(struct walk *w, const char *text, struct buf *log, struct error *err)
{
	cleanup_free char *pattern = collect_relative(w->c->view, text);
	cleanup_glob struct glob *glob = NULL;
	struct error why = ERROR_INIT;

	if (pattern == NULL) {
		buf_printf(log,
		    "\033[0;33mWARNING: %s: the path is not below the project folder "
		    "(%s)\033[0;m\n",
		    text, w->c->view->project_dir);
		return 0;
	}
	if (glob_check(pattern, GLOB_DOUBLESTAR, &why) < 0) {
		buf_printf(log, "\033[0;33mWARNING: %s: %s\033[0;m\n", text, why.msg);
		return 0;
	}
	glob = glob_new(pattern, GLOB_DOUBLESTAR);
	w->glob = glob;
	w->found = 0;
	w->depth = strstr(pattern, "**") != NULL ? ANY_DEPTH : count_slashes(pattern);
	start_walk(w, pattern);
	if (run_walk(w, err) < 0)
		return err->code;
	log_found(w, text, log);
	return 0;
}

/* In place there is no snapshot: git says what is tracked. */
static int
list_tracked(const struct workspace_view *view, struct strlist *out, struct error *err)
{
	cleanup_git_repo struct git_repo *repo = NULL;

	if (git_repo_open(view->project_dir, &repo, err) < 0)
		return err->code;
	return git_repo_tracked(repo, out, err);
}

static int
walk_untracked(struct walk *w, const struct strlist *files, struct error *err)
{
	struct map tracked = MAP_INIT;
	int rc;

	for (size_t i = 0; i < files->count; i++)
		map_set(&tracked, files->items[i], w);
	w->glob = NULL;
	w->tracked = &tracked;
	w->found = 0;
	look_into_later(w, ".", false);
	rc = run_walk(w, err);
	w->tracked = NULL;
	map_clear(&tracked);
	return rc;
}

static int
collect_untracked(struct walk *w, struct buf *log, struct error *err)
{
	cleanup_strlist struct strlist own = STRLIST_INIT;
	const struct strlist *files = &own;
	struct error why = ERROR_INIT;

	if (w->c->view->snapshot != NULL) {
		files = snapshot_files(w->c->view->snapshot);
	} else if (list_tracked(w->c->view, &own, &why) < 0) {
		buf_printf(log,
		    "\033[0;33mWARNING: untracked files are left out: "
		    "%s\033[0;m\n",
		    why.msg);
		return 0;
	}
	if (walk_untracked(w, files, err) < 0)
		return err->code;
	if (w->found > 0 && !w->c->warnings_only)
		buf_printf(log, "untracked: found %zu files\n", w->found);
	else if (w->found == 0)
		buf_add_str(log, "\033[0;33mWARNING: untracked: no files\033[0;m\n");
	return 0;
}

static void
make_excludes(struct walk *w)
{
	w->exclude = xcalloc(w->c->exclude_count + 1, sizeof(struct glob *));
	for (size_t i = 0; i < w->c->exclude_count; i++) {
		cleanup_free char *pattern =
		    collect_relative(w->c->view, w->c->exclude[i]);

		if (pattern != NULL)
			w->exclude[i] = glob_new(pattern, GLOB_DOUBLESTAR);
	}
}

static void
finish_list(struct strlist *l, struct buf *log)
{
	size_t kept = 0;
	bool has_own_git = false;

	strlist_sort(l);
	for (size_t i = 0; i < l->count; i++) {
		if (kept > 0 && str_eq(l->items[kept - 1], l->items[i])) {
			free(l->items[i]);
			continue;
		}
		has_own_git = has_own_git || str_starts(l->items[i], ".git/");
		l->items[kept++] = l->items[i];
	}
	l->count = kept;
	if (has_own_git)
		buf_add_str(log,
		    "\033[0;33mWARNING: part of the .git folder is among "
		    "the files; unpacking it may cause trouble\033[0;m\n");
}

int
collect_files(
    const struct collect *c, struct strlist *out, struct buf *log, struct error *err)
{
	struct walk w = { .c = c, .last_fd = -1, .out = out };
	int rc = 0;

	make_excludes(&w);
	for (size_t i = 0; rc == 0 && i < c->path_count; i++)
		rc = collect_pattern(&w, c->paths[i], log, err);
	if (rc == 0 && c->untracked)
		rc = collect_untracked(&w, log, err);
	for (size_t i = 0; i < c->exclude_count; i++)
		glob_free(w.exclude[i]);
	free(w.exclude);
	if (rc == 0)
		finish_list(out, log);
	return rc;
}
