/* Looking at a folder of an image, layer by layer. */
#include "executors/container/image_volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/path.h"

static int
open_in(const char *layer, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
	cleanup_close int dir = open(layer, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* Takes the descriptor. What only hides something of a layer below counts, too. */
static bool
is_empty(int fd)
{
	cleanup_closedir DIR *dir = fdopendir(fd);
	struct dirent *e;

	if (dir == NULL) {
		close(fd);
		return false;
	}
	while ((e = readdir(dir)) != NULL)
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			return false;
	return true;
}

bool
image_volume_is_empty(const char *path, const struct strlist *layers, struct stat *as)
{
	bool found = false;

	*as = (struct stat){ .st_mode = S_IFDIR | 0755 };
	for (size_t i = 0; i < layers->count; i++) {
		int fd = open_in(layers->items[i], path);

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || (!found && fstat(fd, as) < 0)) {
			cleanup_close_fd(&fd);
			return false;
		}
		found = true;
		if (!is_empty(fd))
			return false;
	}
	return true;
}
