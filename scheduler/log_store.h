/*
 * The logs of jobs, files below one folder: ID/1000/ID.log while a job runs, ID.log.zst
 * after (zstd's seekable format, frames of 1 MiB), and ID.idx, which knows where lines
 * are. A log is bytes as received; log_store_append() takes them by offset, and what it
 * took survives the death of any process, not a power cut: no fsync on this way.
 *
 * Writing: the loop thread. Reading and compressing: any thread, several at a time.
 */
#ifndef SCHEDULER_LOG_STORE_H
#define SCHEDULER_LOG_STORE_H

#include "base/buf.h"
#include "base/error.h"

struct log_store;

/* Makes dir when it is not there. */
MUST_CHECK int log_store_open(const char *dir, struct log_store **out, struct error *err);
void log_store_close(struct log_store *logs); /* NULL is fine */

struct log_state {
	int64_t size;    /* bytes */
	int64_t lines;   /* ends of lines in them */
	uint32_t crc32;  /* of all of it, as base/crc32.h */
	bool compressed; /* nothing can be added; crc32 and lines are 0 then */
};

/* Of a job that has no log yet: zeroes. After a restart it reads up to 1 MiB of it. */
MUST_CHECK int log_store_state(
    struct log_store *logs, int64_t job, struct log_state *out, struct error *err);

/*
 * Adds data, received at time_us, at offset. *out is what it then is, also on failure,
 * when nothing of data is in it: ERR_INVALID: offset is not its size, or it was
 * compressed; ERR_ENVIRONMENT: the disk.
 */
MUST_CHECK int log_store_append(struct log_store *logs, int64_t job, int64_t offset,
    const void *data, size_t len, int64_t time_us, struct log_state *out,
    struct error *err);

/* Closes its files; the next append opens them again. For jobs that are over. */
void log_store_forget(struct log_store *logs, int64_t job);

/*
 * Replaces the log by its compressed form, which is on the disk first. After
 * log_store_forget(), and no appends from then on. Any thread; blocks, 300 MB/s. Harmless
 * when there is none or it was done. A failure leaves the log as it was.
 */
MUST_CHECK int log_store_compress(
    const struct log_store *logs, int64_t job, struct error *err);

/* Readers that have it open go on. No log is no error. */
MUST_CHECK int log_store_erase(struct log_store *logs, int64_t job, struct error *err);

/*
 * What the job used, second by second, a text of its runner's (LOG_USAGE_MAX bytes at
 * most); goes with the log. ERR_MISSING: there is none.
 */
#define LOG_USAGE_MAX ((size_t)64 << 10)
MUST_CHECK int log_store_keep_usage(const struct log_store *logs, int64_t job,
    const char *text, size_t len, struct error *err);
MUST_CHECK int log_store_read_usage(
    const struct log_store *logs, int64_t job, struct buf *out, struct error *err);

/* ---- reading --------------------------------------------------------------- */

struct log_reader; /* one thread at a time; may outlive the log and its store */

/* ERR_MISSING: no log. ERR_INVALID: the compressed file is damaged. */
MUST_CHECK int log_reader_open(const struct log_store *logs, int64_t job,
    struct log_reader **out, struct error *err);
void log_reader_close(struct log_reader *r); /* NULL is fine */
DEFINE_CLEANUP(log_reader, struct log_reader, log_reader_close)
#define cleanup_log_reader __attribute__((cleanup(log_reader_cleanup)))

/* Grows while the job runs. */
MUST_CHECK int log_reader_size(struct log_reader *r, int64_t *out, struct error *err);

/* Up to len bytes from offset; *got 0 at its end. ERR_INVALID: damaged. */
MUST_CHECK int log_reader_read(struct log_reader *r, int64_t offset, void *data,
    size_t len, size_t *got, struct error *err);

struct log_range {
	int64_t offset, len; /* bytes; the last line may be without its end */
	int64_t lines;   /* ends of lines before offset: less than asked for at the end */
	int64_t time_us; /* it had been received by then, or a little later; 0: unknown */
};

/*
 * Where count lines from the first-th (from 0) on are. Reads 2 MiB at the most, thanks
 * to the index; without a sound one the log is read from its beginning.
 */
MUST_CHECK int log_reader_find_lines(struct log_reader *r, int64_t first, int64_t count,
    struct log_range *out, struct error *err);

/* How many ends of lines there are. */
MUST_CHECK int log_reader_count_lines(
    struct log_reader *r, int64_t *out, struct error *err);

#endif
