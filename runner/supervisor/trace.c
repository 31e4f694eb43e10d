/* Log bytes on their way to the spool. */
#include "runner/supervisor/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
trace_open(struct trace *t, const char *path, struct error *err)
{
	t->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (t->fd < 0)
		return error_errno(err, "cannot create the log %s", path);
	crc32_init(&t->crc);
	return 0;
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

void
trace_add(struct trace *t, const char *data, size_t len)
{
	write_out(t, data, len);
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
	cleanup_close_fd(&t->fd);
	t->fd = -1;
}
