/*
 * Logs being written. Of each the store keeps the open files, its size, lines and CRC; a
 * log it has not in mind, after a restart or because there are too many, is taken up from
 * the last mark of its index on, at most 1 MiB before its end.
 */
#include "scheduler/log_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crc32.h"
#include "base/map.h"
#include "base/path.h"
#include "scheduler/log_frames.h"
#include "scheduler/log_index.h"
#include "scheduler/log_internal.h"

enum { WRITERS_MAX = 1000, WRITERS_MIN = 8, TAKE_UP_BYTES = 64 * 1024, KEY_MAX = 24 };

struct writer {
	struct writer *newer, *older; /* by their last use */
	int64_t job;
	int fd, index;
	struct log_mark mark; /* the last one written, or the start */
	int64_t marks;        /* in the index */
	int64_t size, lines;
	uint32_t crc32;
};

struct log_store {
	char *dir;
	struct map writers; /* job in decimal → struct writer */
	struct writer *newest, *oldest;
	size_t count, max;
	struct crc32 crc; /* its tables serve all logs */
};

char *
log_path(const char *dir, int64_t job, const char *suffix)
{
	return xasprintf("%s/%" PRId64 "/%" PRId64 "%s", dir, job / 1000, job, suffix);
}

const char *
log_store_dir(const struct log_store *logs)
{
	return logs->dir;
}

static int
of_the_disk(struct error *err, const char *what, int64_t job)
{
	(void)error_errno(err, "cannot %s the log of job %" PRId64, what, job);
	return err->code = ERR_ENVIRONMENT;
}

/* ---- the writers ----------------------------------------------------------- */

static void
name_writer(int64_t job, char key[KEY_MAX])
{
	(void)snprintf(key, KEY_MAX, "%" PRId64, job);
}

static void
unlink_writer(struct log_store *logs, struct writer *w)
{
	*(w->newer != NULL ? &w->newer->older : &logs->newest) = w->older;
	*(w->older != NULL ? &w->older->newer : &logs->oldest) = w->newer;
}

static void
link_newest(struct log_store *logs, struct writer *w)
{
	w->newer = NULL;
	w->older = logs->newest;
	*(w->older != NULL ? &w->older->newer : &logs->oldest) = w;
	logs->newest = w;
}

static void
free_writer(struct writer *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		close(w->fd);
	if (w->index >= 0)
		close(w->index);
	free(w);
}

static void
forget_writer(struct log_store *logs, struct writer *w)
{
	char key[KEY_MAX];

	name_writer(w->job, key);
	map_remove(&logs->writers, key);
	unlink_writer(logs, w);
	logs->count--;
	free_writer(w);
}

static void
remember_writer(struct log_store *logs, struct writer *w)
{
	char key[KEY_MAX];

	if (logs->count >= logs->max)
		forget_writer(logs, logs->oldest);
	name_writer(w->job, key);
	map_set(&logs->writers, key, w);
	link_newest(logs, w);
	logs->count++;
}

/* ---- what bytes do to a log ------------------------------------------------ */

static void
add_crc(struct log_store *logs, struct writer *w, const char *data, size_t len)
{
	crc32_resume(&logs->crc, w->crc32);
	crc32_add(&logs->crc, data, len);
	w->crc32 = crc32_value(&logs->crc);
}

static void
add_mark(struct writer *w, int64_t time_us, struct buf *marks)
{
	unsigned char bytes[LOG_MARK_SIZE];

	w->mark = (struct log_mark){
		.offset = w->size,
		.lines = w->lines,
		.time_us = time_us,
		.crc32 = w->crc32,
	};
	log_mark_encode(&w->mark, bytes);
	buf_add(marks, bytes, sizeof(bytes));
}

/* Counts data in, which is in the file, and collects the marks it makes. */
static void
count_in(struct log_store *logs, struct writer *w, const char *data, size_t len,
    int64_t time_us, struct buf *marks)
{
	const char *end = data + len, *counted = data;

	while (data != end) {
		int64_t room = LOG_MARK_BYTES - (w->size - w->mark.offset);
		size_t step = room < end - data ? (size_t)room : (size_t)(end - data);
		const char *newline = memchr(data, '\n', step);

		if (newline != NULL) {
			step = (size_t)(newline + 1 - data);
			w->lines++;
		}
		data += step;
		w->size += (int64_t)step;
		if (w->lines - w->mark.lines < LOG_MARK_LINES &&
		    w->size - w->mark.offset < LOG_MARK_BYTES)
			continue;
		add_crc(logs, w, counted, (size_t)(data - counted));
		counted = data;
		add_mark(w, time_us, marks);
	}
	add_crc(logs, w, counted, (size_t)(data - counted));
}

/* Marks that find no room on the disk are missing; the next ones take their place. */
static void
write_marks(struct writer *w, const struct buf *marks)
{
	if (marks->len > 0 &&
	    pwrite(w->index, marks->data, marks->len, w->marks * LOG_MARK_SIZE) ==
		(ssize_t)marks->len)
		w->marks += (int64_t)(marks->len / LOG_MARK_SIZE);
}

/* ---- taking a log up ------------------------------------------------------- */

static int
open_part(struct log_store *logs, int64_t job, const char *suffix, bool create)
{
	cleanup_free char *path = log_path(logs->dir, job, suffix);

	return open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), S_IRUSR | S_IWUSR);
}

static int
take_up(struct log_store *logs, struct writer *w, struct error *err)
{
	cleanup_buf struct buf marks = BUF_INIT;
	cleanup_free char *data = xmalloc(TAKE_UP_BYTES);
	struct stat st;
	ssize_t n;

	if (fstat(w->fd, &st) < 0)
		return of_the_disk(err, "read", w->job);
	w->mark = log_index_find(w->index, INT64_MAX, st.st_size, &w->marks);
	w->size = w->mark.offset;
	w->lines = w->mark.lines;
	w->crc32 = w->mark.crc32;
	while ((n = pread(w->fd, data, TAKE_UP_BYTES, w->size)) > 0)
		count_in(logs, w, data, (size_t)n, w->mark.time_us, &marks);
	if (n < 0)
		return of_the_disk(err, "read", w->job);
	write_marks(w, &marks);
	return 0;
}

static bool
is_compressed(struct log_store *logs, int64_t job, int64_t *size, struct error *err)
{
	cleanup_free char *path = log_path(logs->dir, job, LOG_PACKED);
	cleanup_log_reader struct log_reader *r = NULL;

	if (access(path, F_OK) < 0)
		return false;
	if (log_reader_open(logs, job, &r, err) < 0 || log_reader_size(r, size, err) < 0)
		*size = 0; /* damaged: nothing is added to it either */
	return true;
}

static int
open_files(struct log_store *logs, struct writer *w, bool create, struct error *err)
{
	cleanup_free char *folder = log_path(logs->dir, w->job, "");

	*strrchr(folder, '/') = '\0';
	if (create && path_mkdirs(folder, S_IRWXU, err) < 0)
		return err->code = ERR_ENVIRONMENT;
	w->fd = open_part(logs, w->job, LOG_PLAIN, create);
	if (w->fd < 0 && errno == ENOENT)
		return error_set(err, ERR_MISSING, "job %" PRId64 " has no log", w->job);
	if (w->fd >= 0)
		w->index = open_part(logs, w->job, LOG_INDEX, true);
	return w->index < 0 ? of_the_disk(err, "open", w->job) : 0;
}

/* NULL and err on failure: ERR_MISSING without create when there is no log. */
static struct writer *
find_writer(struct log_store *logs, int64_t job, bool create, struct error *err)
{
	char key[KEY_MAX];
	struct writer *w;

	name_writer(job, key);
	w = map_get(&logs->writers, key);
	if (w != NULL) {
		unlink_writer(logs, w);
		link_newest(logs, w);
		return w;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct writer){ .job = job, .fd = -1, .index = -1 };
	if (open_files(logs, w, create, err) < 0 || take_up(logs, w, err) < 0) {
		free_writer(w);
		return NULL;
	}
	remember_writer(logs, w);
	return w;
}

static bool
is_known(struct log_store *logs, int64_t job)
{
	char key[KEY_MAX];

	name_writer(job, key);
	return map_has(&logs->writers, key);
}

static struct log_state
state_of(const struct writer *w)
{
	return (struct log_state){
		.size = w->size,
		.lines = w->lines,
		.crc32 = w->crc32,
	};
}

int
log_store_state(
    struct log_store *logs, int64_t job, struct log_state *out, struct error *err)
{
	struct log_state state = { .size = 0 };
	struct writer *w;

	*out = state;
	if (!is_known(logs, job) && is_compressed(logs, job, &state.size, err)) {
		state.compressed = true;
		*out = state;
		return 0;
	}
	w = find_writer(logs, job, false, err);
	if (w == NULL && err->code != ERR_MISSING)
		return err->code;
	if (w == NULL)
		*err = (struct error)ERROR_INIT;
	else
		*out = state_of(w);
	return 0;
}

/* ---- appending ------------------------------------------------------------- */

/* All of data or nothing of it. */
static int
write_data(struct writer *w, const char *data, size_t len, struct error *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n =
		    pwrite(w->fd, data + done, len - done, w->size + (int64_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int saved = errno;

			/* what stays would be found again, and the index would not fit */
			if (ftruncate(w->fd, w->size) < 0 && saved == 0)
				saved = errno;
			errno = saved;
			return of_the_disk(err, "write", w->job);
		}
		done += (size_t)n;
	}
	return 0;
}

int
log_store_append(struct log_store *logs, int64_t job, int64_t offset, const void *data,
    size_t len, int64_t time_us, struct log_state *out, struct error *err)
{
	cleanup_buf struct buf marks = BUF_INIT;
	struct writer *w;

	if (log_store_state(logs, job, out, err) < 0)
		return err->code;
	if (out->compressed)
		return error_set(err, ERR_INVALID,
		    "job %" PRId64 " is over, its log is compressed", job);
	if (offset != out->size)
		return error_set(err, ERR_INVALID,
		    "the log of job %" PRId64 " has %" PRId64
		    " bytes, what was sent begins at %" PRId64,
		    job, out->size, offset);
	if (len == 0)
		return 0;
	w = find_writer(logs, job, true, err);
	if (w == NULL || write_data(w, data, len, err) < 0)
		return err->code;
	count_in(logs, w, data, len, time_us, &marks);
	write_marks(w, &marks);
	*out = state_of(w);
	return 0;
}

void
log_store_forget(struct log_store *logs, int64_t job)
{
	char key[KEY_MAX];
	struct writer *w;

	name_writer(job, key);
	w = map_get(&logs->writers, key);
	if (w != NULL)
		forget_writer(logs, w);
}

/* ---- compressing and erasing ----------------------------------------------- */

static int
sync_file(int fd, int64_t job, struct error *err)
{
	return fd >= 0 && fsync(fd) == 0 ? 0 : of_the_disk(err, "compress", job);
}

/* Into a file beside it, on the disk before it takes the log's place. */
static int
pack(int from, const char *dir, int64_t job, struct error *err)
{
	cleanup_free char *half = log_path(dir, job, LOG_PACKED ".new");
	cleanup_free char *packed = log_path(dir, job, LOG_PACKED);
	cleanup_free char *folder = log_path(dir, job, "");
	cleanup_close int to =
	    open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	cleanup_close int folder_fd = -1;
	int64_t size;

	*strrchr(folder, '/') = '\0';
	if (to < 0)
		return of_the_disk(err, "compress", job);
	if (log_frames_write(from, to, &size, err) < 0 || sync_file(to, job, err) < 0) {
		(void)error_wrap(err, "log of job %" PRId64, job);
		unlink(half);
		return err->code;
	}
	if (rename(half, packed) < 0)
		return of_the_disk(err, "compress", job);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return sync_file(folder_fd, job, err);
}

int
log_store_compress(const struct log_store *logs, int64_t job, struct error *err)
{
	cleanup_free char *plain = log_path(logs->dir, job, LOG_PLAIN);
	cleanup_close int from = open(plain, O_RDONLY | O_CLOEXEC);

	if (from < 0 && errno == ENOENT)
		return 0;
	if (from < 0)
		return of_the_disk(err, "compress", job);
	if (pack(from, logs->dir, job, err) < 0)
		return err->code;
	return unlink(plain) == 0 || errno == ENOENT ? 0
						     : of_the_disk(err, "compress", job);
}

int
log_store_erase(struct log_store *logs, int64_t job, struct error *err)
{
	static const char *const suffixes[] = { LOG_PLAIN, LOG_PACKED,
		(LOG_PACKED ".new"), LOG_INDEX, LOG_USAGE };

	log_store_forget(logs, job);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		cleanup_free char *path = log_path(logs->dir, job, suffixes[i]);

		if (unlink(path) < 0 && errno != ENOENT)
			return of_the_disk(err, "erase", job);
	}
	return 0;
}

/* ---- what a job used ------------------------------------------------------- */

int
log_store_keep_usage(const struct log_store *logs, int64_t job, const char *text,
    size_t len, struct error *err)
{
	cleanup_free char *path = log_path(logs->dir, job, LOG_USAGE);

	if (path_mkdirs_at(AT_FDCWD, path, 0700, err) < 0)
		return err->code;
	return path_write_file(path, text, len, S_IRUSR | S_IWUSR, err);
}

int
log_store_read_usage(
    const struct log_store *logs, int64_t job, struct buf *out, struct error *err)
{
	cleanup_free char *path = log_path(logs->dir, job, LOG_USAGE);

	if (access(path, F_OK) < 0)
		return error_set(err, ERR_MISSING, "the job left no samples");
	return buf_read_file(out, path, LOG_USAGE_MAX, err);
}

/* ---- opening --------------------------------------------------------------- */

/* Each has two files open; an eighth of what a process may open is for them. */
static size_t
most_writers(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= WRITERS_MAX * 8)
		return WRITERS_MAX;
	return files.rlim_cur / 8 < WRITERS_MIN ? WRITERS_MIN : files.rlim_cur / 8;
}

int
log_store_open(const char *dir, struct log_store **out, struct error *err)
{
	struct log_store *logs;

	if (path_mkdirs(dir, S_IRWXU, err) < 0)
		return err->code = ERR_ENVIRONMENT;
	logs = xcalloc(1, sizeof(*logs));
	logs->dir = xstrdup(dir);
	logs->max = most_writers();
	crc32_init(&logs->crc);
	*out = logs;
	return 0;
}

void
log_store_close(struct log_store *logs)
{
	if (logs == NULL)
		return;
	while (logs->oldest != NULL)
		forget_writer(logs, logs->oldest);
	map_clear(&logs->writers);
	free(logs->dir);
	free(logs);
}
