/* The rows in memory, and the file that shows them. */
#include "runner/supervisor/recorder.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"

static const char head[] = "pawl-usage 1\n"
			   "# ms memory_bytes cpu_us read_bytes written_bytes "
			   "cpu_wait_us memory_wait_us io_wait_us\n";

void
recorder_start(struct recorder *r, const char *path, int64_t now_ms)
{
	r->path = path;
	r->start_ms = now_ms;
	r->every_ms = RECORDER_EVERY_MS;
	r->next_ms = now_ms + r->every_ms;
}

static void
add_row(const struct sample *s, struct buf *out)
{
	buf_printf(out,
	    "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
	    " %" PRId64 " %" PRId64 "\n",
	    s->at_ms, s->memory_bytes, s->cpu_us, s->read_bytes, s->written_bytes,
	    s->wait_us[WAIT_CPU], s->wait_us[WAIT_MEMORY], s->wait_us[WAIT_IO]);
}

/* From row first on; the file is made with the first one, which short jobs never have. */
static void
write_rows(struct recorder *r, size_t first)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (r->path == NULL)
		return;
	if (r->fd < 0)
		r->fd = open(r->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (first == 0)
		buf_add_str(&text, head);
	for (size_t i = first; i < r->count; i++)
		add_row(&r->rows[i], &text);
	if (r->fd < 0 ||
	    (first == 0 && (ftruncate(r->fd, 0) < 0 || lseek(r->fd, 0, SEEK_SET) < 0)) ||
	    path_write_fd(r->fd, text.data, text.len) < 0)
		r->path = NULL; /* no room: the job goes on */
}

/* Of two the later one stays, with the memory of whichever had more. */
static void
halve(struct recorder *r)
{
	for (size_t i = 0; i + 1 < r->count; i += 2) {
		struct sample *kept = &r->rows[i / 2];
		int64_t before = r->rows[i].memory_bytes;

		*kept = r->rows[i + 1];
		if (before > kept->memory_bytes)
			kept->memory_bytes = before;
	}
	r->count /= 2;
	r->every_ms *= 2;
}

void
recorder_add(struct recorder *r, const struct sample *sample, int64_t now_ms)
{
	size_t first = r->count;

	if (r->rows == NULL)
		r->rows = xcalloc(RECORDER_ROWS, sizeof(*r->rows));
	r->last = *sample;
	r->last.at_ms = now_ms - r->start_ms;
	if (sample->memory_bytes > r->peak_bytes)
		r->peak_bytes = sample->memory_bytes;
	r->rows[r->count++] = r->last;
	if (r->count == RECORDER_ROWS) {
		halve(r);
		first = 0;
	}
	write_rows(r, first);
	/* who was stopped for long does not catch up */
	r->next_ms += r->every_ms;
	if (r->next_ms <= now_ms)
		r->next_ms = now_ms + r->every_ms;
}

void
recorder_close(struct recorder *r)
{
	cleanup_close_fd(&r->fd);
	free(r->rows);
	*r = (struct recorder)RECORDER_INIT;
}
