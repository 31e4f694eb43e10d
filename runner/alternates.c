/* Following git's alternates. */
#include "runner/alternates.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"

#define DEPTH_MAX 5 /* git follows no more */
#define MODULES_DEPTH_MAX 32
#define FILE_MAX ((size_t)1 << 20)

/* A line in double quotes is escaped as C is; what matters there is the backslash. */
static void
unquote(char *line)
{
	char *to = line;

	if (*line != '"')
		return;
	for (const char *from = line + 1; *from != '\0' && *from != '"'; from++) {
		if (*from == '\\' && from[1] != '\0')
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

/* git-lfs looks for its own beside the objects that are lent. */
static void
add_large_files(const char *objects, struct strlist *out)
{
	const char *slash = strrchr(objects, '/');
	cleanup_free char *dir = slash == NULL
	    ? NULL
	    : xasprintf("%.*s/lfs/objects", (int)(slash - objects), objects);

	if (dir != NULL && access(dir, X_OK) == 0 && !strlist_has(out, dir))
		strlist_add(out, dir);
}

static void
add_lenders(const char *objects, int depth, struct strlist *out)
{
	cleanup_free char *file = path_join(objects, "info/alternates");
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	char *save = NULL;

	if (depth > DEPTH_MAX || buf_read_file(&text, file, FILE_MAX, &ignored) < 0 ||
	    text.len == 0)
		return;
	for (char *line = strtok_r(text.data, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		cleanup_free char *path = NULL;

		unquote(line);
		path = *line == '/' ? xstrdup(line) : path_join(objects, line);
		if (*line == '#' || access(path, X_OK) < 0 || strlist_has(out, path))
			continue;
		strlist_add(out, path);
		add_large_files(path, out);
		add_lenders(path, depth + 1, out);
	}
}

/* "	path = lib/x" of .gitmodules; NULL: the line says something else. */
static const char *
submodule_path(const char *line)
{
	line += strspn(line, " \t");
	if (!str_starts(line, "path"))
		return NULL;
	line += strlen("path");
	line += strspn(line, " \t");
	if (*line != '=')
		return NULL;
	line++;
	line += strspn(line, " \t");
	return *line == '\0' || *line == '/' || strstr(line, "..") != NULL ? NULL : line;
}

/* Repositories of submodules that git has put below the project's own .git. */
static void
add_modules(const char *dir, int depth, struct strlist *out)
{
	cleanup_closedir DIR *d = depth < MODULES_DEPTH_MAX ? opendir(dir) : NULL;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *path = path_join(dir, e->d_name);
		cleanup_free char *head = path_join(path, "HEAD");
		cleanup_free char *objects = path_join(path, "objects");
		cleanup_free char *inner = path_join(path, "modules");

		if (*e->d_name == '.')
			continue;
		if (access(head, F_OK) < 0) { /* a part of a name with slashes */
			add_modules(path, depth + 1, out);
			continue;
		}
		add_lenders(objects, 1, out);
		add_modules(inner, depth + 1, out);
	}
}

/*
 * The folder path of a commit's tree, whoever wrote that; NULL where a link of the
 * commit leads out of it, to a repository that shows what it likes.
 */
static char *
folder_inside(const char *dir, const char *path)
{
	cleanup_free char *top = realpath(dir, NULL), *joined = path_join(dir, path);
	cleanup_free char *real = realpath(joined, NULL);
	size_t len = top == NULL ? 0 : strlen(top);

	return top != NULL && real != NULL && strncmp(real, top, len) == 0 &&
		real[len] == '/'
	    ? take(real)
	    : NULL;
}

static bool
is_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void
add_tree(const char *dir, int depth, struct strlist *out)
{
	cleanup_free char *objects = path_join(dir, ".git/objects");
	cleanup_free char *git_modules = path_join(dir, ".git/modules");
	cleanup_free char *modules = path_join(dir, ".gitmodules");
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	char *save = NULL;

	add_lenders(objects, 1, out);
	add_modules(git_modules, 0, out);
	if (depth > DEPTH_MAX || !is_file(modules) ||
	    buf_read_file(&text, modules, FILE_MAX, &ignored) < 0 || text.len == 0)
		return;
	for (char *line = strtok_r(text.data, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *path = submodule_path(line);
		cleanup_free char *sub = path == NULL ? NULL : folder_inside(dir, path);

		if (sub != NULL)
			add_tree(sub, depth + 1, out);
	}
}

void
alternates_list(const char *dir, struct strlist *out)
{
	add_tree(dir, 1, out);
}
