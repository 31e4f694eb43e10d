/*
 * Open files sent along with a packet over a Unix socket (unix(7), SCM_RIGHTS). Needs
 * libc alone, since pawl-init has it, too. Nothing is kept; any thread.
 */
#ifndef BASE_DESCRIPTORS_H
#define BASE_DESCRIPTORS_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { DESCRIPTORS_MAX = 4 }; /* in one packet */

/* As sendmsg() with these flags and MSG_NOSIGNAL; the files stay the caller's. */
ssize_t descriptors_send(int socket, const struct iovec *parts, size_t part_count,
    const int *files, size_t file_count, int flags);

/*
 * As recvmsg() with these flags and MSG_CMSG_CLOEXEC. All `want` places of files are set:
 * to what came, which is the caller's then, or -1. What came beyond them is closed.
 * Other than recvmsg(), it gives all that was sent before the other side's end.
 */
ssize_t descriptors_receive(
    int socket, void *data, size_t size, int *files, size_t want, int flags);

/* The same without files. */
ssize_t descriptors_receive_text(int socket, void *data, size_t size, int flags);

#endif
