/* libarchive's functions, opened at first use. Only base/archive*.c and the layers of
 * images (executors/container/layer*.c) include this. */
#ifndef BASE_ARCHIVE_LIB_H
#define BASE_ARCHIVE_LIB_H

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

#define ARCHIVE_FUNCTIONS(X)                                                             \
	X(archive_error_string)                                                          \
	X(archive_errno)                                                                 \
	X(archive_entry_new)                                                             \
	X(archive_entry_free)                                                            \
	X(archive_entry_clear)                                                           \
	X(archive_entry_pathname)                                                        \
	X(archive_entry_copy_pathname)                                                   \
	X(archive_entry_symlink)                                                         \
	X(archive_entry_copy_symlink)                                                    \
	X(archive_entry_hardlink)                                                        \
	X(archive_entry_copy_hardlink)                                                   \
	X(archive_entry_filetype)                                                        \
	X(archive_entry_set_filetype)                                                    \
	X(archive_entry_perm)                                                            \
	X(archive_entry_set_perm)                                                        \
	X(archive_entry_size)                                                            \
	X(archive_entry_set_size)                                                        \
	X(archive_entry_mtime)                                                           \
	X(archive_entry_mtime_nsec)                                                      \
	X(archive_entry_mtime_is_set)                                                    \
	X(archive_entry_set_mtime)                                                       \
	X(archive_entry_uid)                                                             \
	X(archive_entry_set_uid)                                                         \
	X(archive_entry_gid)                                                             \
	X(archive_entry_set_gid)                                                         \
	X(archive_entry_rdevmajor)                                                       \
	X(archive_entry_set_rdevmajor)                                                   \
	X(archive_entry_rdevminor)                                                       \
	X(archive_entry_set_rdevminor)                                                   \
	X(archive_entry_xattr_reset)                                                     \
	X(archive_entry_xattr_next)                                                      \
	X(archive_entry_xattr_add_entry)                                                 \
	X(archive_read_new)                                                              \
	X(archive_read_support_format_tar)                                               \
	X(archive_read_support_format_zip)                                               \
	X(archive_read_support_filter_zstd)                                              \
	X(archive_read_support_filter_gzip)                                              \
	X(archive_read_support_format_raw)                                               \
	X(archive_read_support_format_empty)                                             \
	X(archive_read_open_memory)                                                      \
	X(archive_read_data)                                                             \
	X(archive_read_open_fd)                                                          \
	X(archive_read_open)                                                             \
	X(archive_read_next_header)                                                      \
	X(archive_read_data_block)                                                       \
	X(archive_read_free)                                                             \
	X(archive_write_new)                                                             \
	X(archive_write_set_format_pax)                                                  \
	X(archive_write_set_format_raw)                                                  \
	X(archive_write_set_format_zip)                                                  \
	X(archive_write_set_format_option)                                               \
	X(archive_write_add_filter_gzip)                                                 \
	X(archive_write_add_filter_zstd)                                                 \
	X(archive_write_set_filter_option)                                               \
	X(archive_write_set_bytes_per_block)                                             \
	X(archive_write_set_bytes_in_last_block)                                         \
	X(archive_write_open_fd)                                                         \
	X(archive_write_header)                                                          \
	X(archive_write_data)                                                            \
	X(archive_write_close)                                                           \
	X(archive_write_free)

struct archive_lib {
	void *handle;
#define X(name) __typeof__(name) *name;
	ARCHIVE_FUNCTIONS(X)
#undef X
};

/* ERR_ENVIRONMENT: it is not installed. */
MUST_CHECK int archive_lib_open(struct archive_lib *l, struct error *err);
void archive_lib_close(struct archive_lib *l); /* a zeroed one is fine */

/* Opens the library and in it an archive of either format that archive.h names. *out is
 * to be freed, and l closed, in any case. */
MUST_CHECK int archive_lib_read(
    struct archive_lib *l, int in_fd, struct archive **out, struct error *err);

/* Its last words on a, as ERR_INVALID; ERR_ENVIRONMENT when the disk is full. */
int archive_lib_error(
    const struct archive_lib *l, struct archive *a, const char *what, struct error *err);

#endif
