/* A file in memory, read from its beginning, for what wants a descriptor. The caller's.
 */
#ifndef TESTS_FUZZ_FILE_OF_H
#define TESTS_FUZZ_FILE_OF_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static inline int
file_of(const void *data, size_t len)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

#endif
