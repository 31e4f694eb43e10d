/* A log being read, plain or compressed, and the way to its lines. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scheduler/log_frames.h"
#include "scheduler/log_index.h"
#include "scheduler/log_internal.h"

enum { SCAN_BYTES = 64 * 1024 };

struct log_reader {
	int fd;                    /* of a plain log; -1 */
	struct log_frames *frames; /* of a compressed one; NULL */
	int index;                 /* -1: none */
};

int
log_reader_from_files(
    int log, bool packed, int index, struct log_reader **out, struct error *err)
{
	struct log_reader *r = xcalloc(1, sizeof(*r));

	*r = (struct log_reader){ .fd = packed ? -1 : log, .index = index };
	if (packed && log_frames_open(log, &r->frames, err) < 0) {
		log_reader_close(r);
		return err->code;
	}
	*out = r;
	return 0;
}

void
log_reader_close(struct log_reader *r)
{
	if (r == NULL)
		return;
	log_frames_close(r->frames);
	if (r->fd >= 0)
		close(r->fd);
	if (r->index >= 0)
		close(r->index);
	free(r);
}

static int
open_part(const struct log_store *logs, int64_t job, const char *suffix)
{
	cleanup_free char *path = log_path(log_store_dir(logs), job, suffix);

	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Compressing makes the one appear before the other goes, so one of them is found; the
 * first again when that happened in between. */
static int
open_log(const struct log_store *logs, int64_t job, bool *packed)
{
	int fd = -1;

	for (int i = 0; i < 3 && fd < 0; i++) {
		*packed = i == 1;
		fd = open_part(logs, job, *packed ? LOG_PACKED : LOG_PLAIN);
		if (fd < 0 && errno != ENOENT)
			break;
	}
	return fd;
}

int
log_reader_open(
    const struct log_store *logs, int64_t job, struct log_reader **out, struct error *err)
{
	bool packed;
	int fd = open_log(logs, job, &packed), index;

	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_MISSING, "job %" PRId64 " has no log", job);
	if (fd < 0) {
		(void)error_errno(err, "cannot open the log of job %" PRId64, job);
		return err->code = ERR_ENVIRONMENT;
	}
	index = open_part(logs, job, LOG_INDEX);
	if (log_reader_from_files(fd, packed, index, out, err) < 0)
		return error_wrap(err, "job %" PRId64, job);
	return 0;
}

int
log_reader_size(struct log_reader *r, int64_t *out, struct error *err)
{
	struct stat st;

	if (r->frames != NULL) {
		*out = log_frames_size(r->frames);
		return 0;
	}
	if (fstat(r->fd, &st) < 0) {
		(void)error_errno(err, "cannot read the log");
		return err->code = ERR_ENVIRONMENT;
	}
	*out = st.st_size;
	return 0;
}

int
log_reader_read(struct log_reader *r, int64_t offset, void *data, size_t len, size_t *got,
    struct error *err)
{
	ssize_t n;

	if (r->frames != NULL)
		return log_frames_read(r->frames, offset, data, len, got, err);
	do
		n = pread(r->fd, data, len, offset);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		(void)error_errno(err, "cannot read the log");
		return err->code = ERR_ENVIRONMENT;
	}
	*got = (size_t)n;
	return 0;
}

/* ---- lines ----------------------------------------------------------------- */

/* Goes on from at until it has seen that many ends of lines, or the end of the log. */
static int
walk_lines(struct log_reader *r, struct log_mark *at, int64_t lines, struct error *err)
{
	cleanup_free char *data = xmalloc(SCAN_BYTES);
	size_t got = 0;

	while (at->lines < lines) {
		const char *p = data, *end;

		if (log_reader_read(r, at->offset, data, SCAN_BYTES, &got, err) < 0)
			return err->code;
		if (got == 0)
			return 0;
		end = data + got;
		while (at->lines < lines && p != end) {
			const char *newline = memchr(p, '\n', (size_t)(end - p));

			at->lines += newline != NULL;
			p = newline != NULL ? newline + 1 : end;
		}
		at->offset += p - data;
	}
	return 0;
}

/* Where the log has had that many ends of lines, or its end. */
static int
find_line(struct log_reader *r, int64_t lines, struct log_mark *out, struct error *err)
{
	struct log_mark at;
	int64_t size, count;

	if (log_reader_size(r, &size, err) < 0)
		return err->code;
	at = log_index_find(r->index, lines, size, &count);
	if (walk_lines(r, &at, lines, err) < 0)
		return err->code;
	*out = at;
	return 0;
}

int
log_reader_find_lines(struct log_reader *r, int64_t first, int64_t count,
    struct log_range *out, struct error *err)
{
	int64_t last = count > INT64_MAX - first ? INT64_MAX : first + count;
	struct log_mark from = { .offset = 0 }, to;

	if (find_line(r, first, &from, err) < 0)
		return err->code;
	to = from;
	if (count > 0 && find_line(r, last, &to, err) < 0)
		return err->code;
	*out = (struct log_range){
		.offset = from.offset,
		.len = to.offset > from.offset ? to.offset - from.offset : 0,
		.lines = from.lines,
		.time_us = from.time_us,
	};
	return 0;
}

int
log_reader_count_lines(struct log_reader *r, int64_t *out, struct error *err)
{
	struct log_mark end = { .offset = 0 };

	if (find_line(r, INT64_MAX, &end, err) < 0)
		return err->code;
	*out = end.lines;
	return 0;
}
