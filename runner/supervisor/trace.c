/* Log bytes on their way to the spool. */
#include "runner/supervisor/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define RESERVED_BYTES ((off_t)64 << 10)

static int
read_begun(struct trace *t, const char *path, struct error *err)
{
	char piece[4096];
	ssize_t n;

	while ((n = pread(t->fd, piece, sizeof(piece), (off_t)t->bytes)) > 0) {
		crc32_add(&t->crc, piece, (size_t)n);
		t->bytes += (uint64_t)n;
	}
	return n < 0 ? error_errno(err, "cannot read the log %s", path) : 0;
}

int
trace_open(struct trace *t, const char *path, bool continues, struct error *err)
{
	int how = continues ? O_RDWR : O_WRONLY | O_TRUNC;

	t->fd = open(path, how | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (t->fd < 0)
		return error_errno(err, "cannot create the log %s", path);
	/* another job may fill the disk: its neighbours' logs are not to end for that */
	(void)fallocate(t->fd, FALLOC_FL_KEEP_SIZE, 0, RESERVED_BYTES);
	crc32_init(&t->crc);
	mask_compile(&t->mask);
	return continues ? read_begun(t, path, err) : 0;
}

static void
write_out(struct trace *t, const char *data, size_t len)
{
	while (len > 0 && t->write_errno == 0) {
		ssize_t n = write(t->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			t->write_errno = errno;
			return;
		}
		crc32_add(&t->crc, data, (size_t)n);
		t->bytes += (uint64_t)n;
		data += n;
		len -= (size_t)n;
	}
}

static void
write_decided(struct trace *t)
{
	write_out(t, t->decided.data, t->decided.len);
	buf_reset(&t->decided);
}

void
trace_add(struct trace *t, const char *data, size_t len)
{
	if (t->fd < 0)
		return;
	if (t->mask.secrets.count > 0) {
		mask_feed(&t->mask, data, len, &t->masked);
		data = t->masked.data;
		len = t->masked.len;
	}
	if (len > 0)
		token_mask_feed(&t->tokens, data, len, &t->decided);
	buf_reset(&t->masked);
	write_decided(t);
}

void
trace_flush(struct trace *t)
{
	mask_flush(&t->mask, &t->masked);
	if (t->masked.len > 0)
		token_mask_feed(&t->tokens, t->masked.data, t->masked.len, &t->decided);
	buf_reset(&t->masked);
	token_mask_flush(&t->tokens, &t->decided);
	write_decided(t);
}

void
trace_printf(struct trace *t, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	trace_add(t, text, strlen(text));
}

void
trace_close(struct trace *t)
{
	if (t->fd >= 0 && t->bytes < RESERVED_BYTES &&
	    ftruncate(t->fd, (off_t)t->bytes) < 0)
		t->write_errno = errno; /* it takes some room for nothing */
	cleanup_close_fd(&t->fd);
	mask_clear(&t->mask);
	token_mask_clear(&t->tokens);
	buf_clear(&t->masked);
	buf_clear(&t->decided);
	t->fd = -1;
}
