/*
 * Layers of images: nothing comes to be outside the folder, whatever they hold. The input
 * is a tar as it is, or, after a '%', lines of a kind, a name, a tab and what it links
 * to, of which a tar is made: its checksums are nothing to be guessed.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "executors/container/layer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_entry(int fd, const char *line, size_t len)
{
	const char *tab = memchr(line, '\t', len);
	size_t name = tab == NULL ? len : (size_t)(tab - line);
	unsigned char block[512] = "";
	unsigned sum = 0;

	memcpy(block, line + 1, name - 1 < 100 ? name - 1 : 100);
	memcpy(block + 100, "0004755\0000000041\0000000041\00000000000000", 36);
	block[136] = '0';
	memset(block + 148, ' ', 8);
	block[156] = (unsigned char)line[0];
	if (tab != NULL)
		memcpy(block + 157, tab + 1, len - name - 1 < 100 ? len - name - 1 : 100);
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += block[i];
	(void)snprintf((char *)block + 148, 8, "%06o", sum);
	if (path_write_fd(fd, block, sizeof(block)) < 0)
		abort();
}

static int
make_blob(const char *data, size_t size)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	if (size == 0 || data[0] != '%') {
		if (path_write_fd(fd, data, size) < 0)
			abort();
	} else {
		for (size_t at = 1; at < size;) {
			const char *end = memchr(data + at, '\n', size - at);
			size_t len = end == NULL ? size - at : (size_t)(end - data) - at;

			if (len > 0 && data[at] != '\t')
				add_entry(fd, data + at, len);
			at += len + 1;
		}
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}

static char home[] = "/tmp/pawl-fuzz-layer-XXXXXX";

static void
remove_home(void)
{
	(void)rmdir(home);
}

/* A folder with nothing in it but the layer's. */
static void
make_home(void)
{
	static bool is_made;

	if (!is_made && (mkdtemp(home) == NULL || atexit(remove_home) != 0))
		abort();
	is_made = true;
}

static size_t
count_names(const char *path)
{
	cleanup_closedir DIR *dir = opendir(path);
	size_t n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *folder = NULL;
	cleanup_close int blob = make_blob((const char *)data, size), dir = -1;
	struct layer_unpack u = { .limits = {
				      .entries = 200, .bytes = 1 << 20, .path = 300 } };
	struct layer_info info;
	struct error err = ERROR_INIT;

	make_home();
	folder = path_join(home, "to");
	if (mkdir(folder, 0700) < 0)
		abort();
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	u.dir_fd = dir;
	if (layer_unpack(&u, blob, &info, &err) < 0)
		assert(err.code == ERR_INVALID || err.code == ERR_LIMIT ||
		    (err.code > -4096 && err.code < 0));
	if (path_remove_tree(AT_FDCWD, folder, &err) < 0)
		abort();
	assert(count_names(home) == 2); /* "." and ".." */
	return 0;
}
