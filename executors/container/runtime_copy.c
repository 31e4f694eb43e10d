/* Copying a runtime into memory. */
#include "executors/container/runtime_copy.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

/* These and no others are what crun asks for. */
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

#define COPY_MAX (64 << 20)

#ifndef MFD_EXEC /* Linux 6.3, where a system may ask for it */
#define MFD_EXEC 0x0010U
#endif

struct runtime_copy {
	int fd; /* -1: none */
	char *of;
	struct stat as; /* which it was when it was copied */
};

struct runtime_copy *
runtime_copy_new(void)
{
	struct runtime_copy *c = xcalloc(1, sizeof(*c));

	c->fd = -1;
	return c;
}

static void
forget(struct runtime_copy *c)
{
	cleanup_close_fd(&c->fd);
	c->fd = -1;
	free(c->of);
	c->of = NULL;
}

void
runtime_copy_free(struct runtime_copy *c)
{
	if (c == NULL)
		return;
	forget(c);
	free(c);
}

static bool
is_same(const struct runtime_copy *c, const char *program, const struct stat *st)
{
	return c->fd >= 0 && str_eq(c->of, program) && c->as.st_dev == st->st_dev &&
	    c->as.st_ino == st->st_ino && c->as.st_size == st->st_size &&
	    c->as.st_mtim.tv_sec == st->st_mtim.tv_sec &&
	    c->as.st_mtim.tv_nsec == st->st_mtim.tv_nsec &&
	    c->as.st_ctim.tv_sec == st->st_ctim.tv_sec &&
	    c->as.st_ctim.tv_nsec == st->st_ctim.tv_nsec;
}

/* A script's interpreter would have to open it again. */
static bool
is_machine_code(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, ELFMAG, SELFMAG) == 0;
}

static int
memory_file(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("crun", flags | MFD_EXEC);

	return fd >= 0 ? fd : memfd_create("crun", flags);
}

static bool
fill(int to, int from, off_t size)
{
	while (size > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)size);

		if (n <= 0)
			return false;
		size -= n;
	}
	return fcntl(to, F_ADD_SEALS, SEALS) == 0;
}

/* What is open for writing cannot be started. */
static int
open_again(int fd)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int
copy(int from, const struct stat *st)
{
	cleanup_close int to = -1;

	if (st->st_size > COPY_MAX || !is_machine_code(from))
		return -1;
	to = memory_file();
	return to >= 0 && fill(to, from, st->st_size) ? open_again(to) : -1;
}

int
runtime_copy_open(struct runtime_copy *c, const char *program)
{
	cleanup_close int from = -1;
	struct stat st;
	int fd;

	if (stat(program, &st) < 0)
		return 0;
	if (!is_same(c, program, &st)) {
		forget(c);
		from = open(program, O_RDONLY | O_CLOEXEC);
		if (from < 0 || fstat(from, &c->as) < 0)
			return 0;
		c->fd = copy(from, &c->as);
		c->of = xstrdup(program);
	}
	fd = c->fd < 0 ? -1 : fcntl(c->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return fd > 0 ? fd : 0;
}
