/* One line per event, written at once so that lines of several processes stay whole. */
#include "base/log.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/iso_time.h"
#include "base/str.h"
#include "base/visible.h"

#define MAX_LINE 4000 /* within what a pipe takes whole */
#define MAX_MESSAGE 2000
#define MAX_FIELD 300
#define PATIENCE_MS 1000

static struct {
	enum log_level level;
	enum log_format format;
	const char *program;
	size_t lost; /* lines, since the reader stopped reading */
} self = { .level = LOG_WARN, .format = LOG_FORMAT_PLAIN, .program = "" };

const char *const log_formats[] = { "text", "json", NULL };

static const char *const level_names[] = { "error", "warning", "info", "debug" };

void
log_set_level(enum log_level level)
{
	self.level = level;
}

void
log_set_format(enum log_format format, const char *program)
{
	self.format = format;
	self.program = program;
}

/* ---- fields -------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	size_t offset;
	bool is_text;
} fields[] = {
	{ "project", offsetof(struct log_about, project), false },
	{ "pipeline", offsetof(struct log_about, pipeline), false },
	{ "job", offsetof(struct log_about, job), false },
	{ "runner", offsetof(struct log_about, runner), false },
	{ "user", offsetof(struct log_about, user), false },
	{ "ref", offsetof(struct log_about, ref), true },
	{ "source", offsetof(struct log_about, source), true },
	{ "status", offsetof(struct log_about, status), true },
	{ "reason", offsetof(struct log_about, reason), true },
	{ "server", offsetof(struct log_about, server), true },
	{ "duration_ms", offsetof(struct log_about, duration_ms), false },
};

/* Up to max bytes, and no part of a character. */
static void
add_json_string(struct buf *out, const char *text, size_t max)
{
	size_t len = strlen(text), valid = str_utf8_valid(text, len);
	size_t end = out->len + max;

	buf_add_char(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (out->len > end && (c & 0xc0) != 0x80)
			break;

		if (i == valid) { /* a byte that is none of a character */
			buf_add_str(out, "\\ufffd");
			valid = i + 1 + str_utf8_valid(text + i + 1, len - i - 1);
		} else if (c < ' ' || c == 0x7f) {
			buf_printf(out, "\\u%04x", c);
		} else {
			if (c == '"' || c == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, text[i]);
		}
	}
	buf_add_char(out, '"');
}

/* As one word: in quotes when it has a space. */
static void
add_text_string(struct buf *out, const char *text)
{
	cleanup_free char *cut = xstrndup(text, MAX_FIELD);
	bool is_word = *text != '\0' && strpbrk(cut, " =\"\t\n") == NULL;

	if (!is_word)
		buf_add_char(out, '"');
	visible_add(out, cut);
	if (!is_word)
		buf_add_char(out, '"');
}

static void
add_field(struct buf *out, const char *name, const char *text, int64_t number)
{
	if (self.format == LOG_FORMAT_JSON)
		buf_printf(out, ",\"%s\":", name);
	else
		buf_printf(out, " %s=", name);
	if (text == NULL)
		buf_printf(out, "%" PRId64, number);
	else if (self.format == LOG_FORMAT_JSON)
		add_json_string(out, text, MAX_FIELD);
	else
		add_text_string(out, text);
}

static void
add_fields(struct buf *out, const struct log_about *about)
{
	for (size_t i = 0; about != NULL && i < ARRAY_LEN(fields); i++) {
		const char *at = (const char *)about + fields[i].offset;
		const char *text = NULL;
		int64_t number = 0;

		if (fields[i].is_text)
			memcpy(&text, at, sizeof(text));
		else
			memcpy(&number, at, sizeof(number));
		if (text != NULL || number != 0)
			add_field(out, fields[i].name, text, number);
	}
}

/* ---- lines --------------------------------------------------------------------------
 */

static const char *
now(char out[ISO_TIME_MAX])
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return iso_time_write(
	    out, (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000, true);
}

static void
make_line(struct buf *out, enum log_level level, const struct log_about *about,
    const char *message)
{
	char time[ISO_TIME_MAX];

	switch (self.format) {
	case LOG_FORMAT_PLAIN:
		buf_printf(out, "pawl: %s: ", level_names[level]);
		if (about != NULL && about->job != 0)
			buf_printf(out, "job %" PRId64 ": ", about->job);
		buf_add_str(out, message);
		break;
	case LOG_FORMAT_TEXT:
		buf_printf(
		    out, "%s %s %s: ", now(time), level_names[level], self.program);
		visible_add(out, message);
		add_fields(out, about);
		break;
	case LOG_FORMAT_JSON:
		buf_printf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\"",
		    now(time), level_names[level], self.program);
		buf_add_str(out, ",\"message\":");
		add_json_string(out, message, MAX_MESSAGE);
		add_fields(out, about);
		buf_add_char(out, '}');
		break;
	}
}

/* False: nobody reads, and there is no room left for a line. */
static bool
has_room(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	bool waits = __atomic_load_n(&self.lost, __ATOMIC_RELAXED) == 0;

	return poll(&fd, 1, waits ? PATIENCE_MS : 0) != 0;
}

static void
write_line(const struct buf *line)
{
	if (write(STDERR_FILENO, line->data, line->len) < 0)
		return; /* nowhere left to complain */
}

static void
say_lost(size_t lost)
{
	cleanup_buf struct buf line = BUF_INIT;
	cleanup_free char *text =
	    xasprintf("%zu lines were lost here: nobody read them", lost);

	make_line(&line, LOG_WARN, NULL, text);
	buf_add_char(&line, '\n');
	write_line(&line);
}

static void
emit(struct buf *line)
{
	size_t lost;

	if (line->len > MAX_LINE)
		line->len = MAX_LINE;
	buf_add_char(line, '\n');
	if (!has_room()) {
		(void)__atomic_add_fetch(&self.lost, 1, __ATOMIC_RELAXED);
		return;
	}
	lost = __atomic_exchange_n(&self.lost, 0, __ATOMIC_RELAXED);
	if (lost > 0)
		say_lost(lost);
	write_line(line);
}

void
log_event(enum log_level level, const struct log_about *about, const char *fmt, ...)
{
	cleanup_buf struct buf line = BUF_INIT;
	cleanup_free char *message = NULL;
	size_t len;
	va_list ap;

	if (level > self.level)
		return;
	va_start(ap, fmt);
	message = xvasprintf(fmt, ap);
	va_end(ap);
	len = strlen(message);
	if (len > MAX_MESSAGE)
		message[str_utf8_valid(message, MAX_MESSAGE)] = '\0';
	make_line(&line, level, about, message);
	emit(&line);
}
