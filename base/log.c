/* One line per message, written at once so that lines of several processes stay whole. */
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

static enum log_level max_level = LOG_WARN;

void
log_set_level(enum log_level level)
{
	max_level = level;
}

void
log_print(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[2048];
	int n, m;
	va_list ap;

	if (level > max_level)
		return;
	n = snprintf(line, sizeof(line), "pawl: %s: ", names[level]);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	n += m < 0 ? 0 : m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nowhere left to complain */
}
