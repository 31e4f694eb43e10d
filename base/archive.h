/*
 * Packing files into a tar.zst or zip and unpacking it again. libarchive does the
 * formats; it is opened at first use. Memory does not grow with what is packed. All calls
 * block; any thread, each call for itself.
 *
 * Whoever made an archive may wish harm. Nothing is ever written outside the target
 * folder or through a symbolic link; entries that try are left out, and said so.
 */
#ifndef BASE_ARCHIVE_H
#define BASE_ARCHIVE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/str.h"

struct archive_totals {
	size_t files;  /* and links; folders are not counted */
	int64_t bytes; /* of the files' content */
};

enum archive_format {
	ARCHIVE_TAR_ZSTD,
	ARCHIVE_ZIP, /* hard links become files of their own, times whole seconds */
};

struct archive_pack {
	int dir_fd;
	const struct strlist *paths; /* relative to it, without "..": files, links,
					folders (by themselves, not what is in them) */
	int64_t shift_ns;            /* added to all modification times */
	int level;                   /* of zstd: 1 fast … 19 small; of zip: 1 … 9 */
	const atomic_bool *cancel; /* may be NULL; set by another thread: ERR_CANCELED */
	enum archive_format format;
	int64_t max_bytes; /* of the archive, about; more is ERR_LIMIT; 0: any */
};

/*
 * Write the archive to out_fd. Modes, modification times to the nanosecond, symbolic
 * links, and hard links among the paths are kept; what is no file, link or folder, or
 * gone by now, is left out. ERR_ENVIRONMENT: the disk is full.
 */
MUST_CHECK int archive_pack(const struct archive_pack *p, int out_fd,
    struct archive_totals *out, struct error *err);

/*
 * One regular file, below dir_fd, as a member of a gzip file: appended to out_fd, where
 * several may follow each other.
 */
MUST_CHECK int archive_gzip(int dir_fd, const char *path, const atomic_bool *cancel,
    int out_fd, struct error *err);

/* What an archive by a stranger may fill: nine tenths of what is free. */
int64_t archive_room(int dir_fd);

struct archive_unpack {
	int dir_fd;
	int64_t shift_ns;      /* added to all modification times */
	int64_t not_before_ns; /* then: none older than this; INT64_MIN: as they are */
	int64_t max_bytes;     /* of files together, more is ERR_LIMIT; 0: any */
	const atomic_bool *cancel;
	struct buf *log; /* a line for each entry left out, up to some; may be NULL */
	struct strlist *made; /* paths of files and links as they are made; may be NULL */
};

/*
 * Read an archive, of either format, from in_fd, a file, and unpack it. What is in the
 * way is replaced, except a folder that is not empty. ERR_INVALID: damaged, and what came
 * before stays unpacked.
 */
MUST_CHECK int archive_unpack(const struct archive_unpack *u, int in_fd,
    struct archive_totals *out, struct error *err);

/*
 * The members of a gzip file, one after the other; what is no gzip file as it is.
 * ERR_INVALID: damaged. ERR_LIMIT: above max bytes.
 */
MUST_CHECK int archive_gunzip(
    const struct buf *in, size_t max, struct buf *out, struct error *err);

/*
 * The same from a file, piece by piece. fd is the caller's and stays open as long as it;
 * read gives 0 bytes at the end. ERR_INVALID: damaged; what came before stands.
 */
struct archive_gunzip;
MUST_CHECK int archive_gunzip_open(
    int fd, struct archive_gunzip **out, struct error *err);
MUST_CHECK int archive_gunzip_read(
    struct archive_gunzip *g, void *data, size_t max, size_t *len, struct error *err);
void archive_gunzip_close(struct archive_gunzip *g); /* NULL is fine */

/* The content of one regular file in it. ERR_MISSING, ERR_LIMIT: above max bytes. */
MUST_CHECK int archive_read_file(
    int in_fd, const char *path, size_t max, struct buf *out, struct error *err);

/* What an archive has; good while the function it is given to runs. */
struct archive_listed {
	const char *path; /* relative and tidied up, without ".." */
	bool is_folder, is_link;
	unsigned mode;
	int64_t size; /* of a file, unpacked */
};
typedef bool (*archive_list_fn)(const struct archive_listed *e, void *data);

/* Each file, folder and link, in the archive's order, until fn says false. Folders may be
 * there by their files alone. */
MUST_CHECK int archive_list(int in_fd, archive_list_fn fn, void *data, struct error *err);

#endif
