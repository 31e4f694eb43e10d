/* Walking through the settings of a system. */
#include "executors/private_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

#define DEPTH_MAX 16

static void add_below(int at, const char *path, int depth, struct strlist *out);

static void
look_at(int at, const char *name, const char *dir, int depth, struct strlist *out)
{
	struct stat st;
	bool is_dir;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	is_dir = S_ISDIR(st.st_mode);
	if (is_dir || (S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) == 0)) {
		cleanup_free char *path = path_join(dir, name);

		if (!is_dir || (st.st_mode & S_IXOTH) == 0)
			strlist_add(out, path);
		else if (depth < DEPTH_MAX)
			add_below(openat(at, name,
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			    path, depth + 1, out);
	}
}

/* Takes the descriptor at; -1: it is not there, or not for us. */
static void
add_below(int at, const char *path, int depth, struct strlist *out)
{
	cleanup_closedir DIR *dir = at < 0 ? NULL : fdopendir(at);

	if (dir == NULL) {
		cleanup_close_fd(&at);
		return;
	}
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			look_at(at, e->d_name, path, depth, out);
}

void
private_files_add(const char *dir, struct strlist *out)
{
	add_below(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir, 0, out);
}
