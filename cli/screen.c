/* The screen's bookkeeping: jobs, lines, the live block. What it says at the end is in
 * summary.c. */
#include "cli/screen.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/visible.h"
#include "cli/lines.h"
#include "cli/screen_internal.h"

#define FLUSH_AT ((size_t)128 * 1024)

void
screen_detect(struct screen_options *options)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool tty = isatty(options->fd) == 1 && term != NULL && !str_eq(term, "dumb");

	options->live = tty && getenv("CI") == NULL;
	options->color = tty && (no_color == NULL || *no_color == '\0');
}

static bool
locale_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && *value != '\0')
			return strcasestr(value, "utf-8") != NULL ||
			    strcasestr(value, "utf8") != NULL;
	}
	return false;
}

void
screen_widen(struct screen *s, size_t name_width)
{
	if (name_width > SCREEN_NAME_MAX)
		name_width = SCREEN_NAME_MAX;
	if (name_width > s->width)
		s->width = name_width;
}

struct screen *
screen_new(const struct screen_options *options, size_t name_width)
{
	struct screen *s = xcalloc(1, sizeof(*s));

	s->options = *options;
	screen_widen(s, name_width);
	s->utf8 = locale_is_utf8();
	s->jobs_by_id = (struct map)MAP_INIT;
	return s;
}

void
screen_free(struct screen *s)
{
	if (s == NULL)
		return;
	screen_flush(s);
	for (size_t i = 0; i < s->count; i++) {
		lines_clear(&s->jobs[i]->lines);
		for (size_t k = 0; k < SCREEN_TAIL; k++)
			buf_clear(&s->jobs[i]->tail[k]);
		free(s->jobs[i]->name);
		free(s->jobs[i]);
	}
	free(s->jobs);
	for (size_t i = 0; i < s->artifact_count; i++) {
		free(s->artifacts[i].job);
		free(s->artifacts[i].text);
	}
	free(s->artifacts);
	map_clear(&s->jobs_by_id);
	buf_clear(&s->out);
	free(s);
}

/* Write all of it, waiting where the reader is slow. */
static void
write_out(struct screen *s)
{
	size_t done = 0;

	while (done < s->out.len && !s->broken) {
		ssize_t n = write(s->options.fd, s->out.data + done, s->out.len - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = { .fd = s->options.fd, .events = POLLOUT };

			(void)poll(&p, 1, -1);
		} else if (errno != EINTR) {
			s->broken = true;
		}
	}
	buf_reset(&s->out);
}

bool
screen_is_broken(const struct screen *s)
{
	return s->broken;
}

struct shown_job *
screen_find(const struct screen *s, int64_t id)
{
	char key[24];

	(void)snprintf(key, sizeof(key), "%" PRId64, id);
	return map_get(&s->jobs_by_id, key);
}

static struct shown_job *
add_job(struct screen *s, const struct screen_job *job)
{
	struct shown_job *shown = xcalloc(1, sizeof(*shown));
	struct buf name = BUF_INIT; /* of the author's making */
	char key[24];

	(void)snprintf(key, sizeof(key), "%" PRId64, job->id);
	shown->screen = s;
	shown->id = job->id;
	if (!s->options.json)
		visible_add(&name, job->name);
	else
		buf_add_str(&name, job->name);
	shown->name = buf_take(&name);
	shown->color = 31 + (int)(s->count + 1) % 6;
	shown->lines.colors = s->options.color && !s->options.json;
	shown->status = STATUS_COUNT;
	map_set(&s->jobs_by_id, key, shown);
	GROW(s->jobs, s->count, s->cap);
	s->jobs[s->count++] = shown;
	return shown;
}

/* Take the live block away before anything else is printed. */
void
screen_erase_live(struct screen *s)
{
	if (s->live_lines > 0)
		buf_printf(&s->out, "\r\033[%zuA\033[J", s->live_lines);
	s->live_lines = 0;
}

void
screen_color(struct screen *s, int code)
{
	if (s->options.color)
		buf_printf(&s->out, "\033[%dm", code);
}

static void
timestamp(struct screen *s, int64_t now_us)
{
	time_t t = (time_t)(now_us / 1000000);
	struct tm tm;

	if (!s->options.timestamps || gmtime_r(&t, &tm) == NULL)
		return;
	buf_printf(&s->out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (int)(now_us / 1000 % 1000));
}

/* "build | " */
void
screen_prefix(struct screen *s, const struct shown_job *job)
{
	timestamp(s, s->now_us);
	screen_color(s, job->color);
	buf_add_str(&s->out, job->name);
	for (size_t n = visible_width(job->name); n < s->width; n++)
		buf_add_char(&s->out, ' ');
	if (s->options.color)
		buf_add_str(&s->out, s->utf8 ? " │\033[0m " : " |\033[0m ");
	else
		buf_add_str(&s->out, " | ");
}

static void
keep_tail(struct shown_job *job, const char *line, size_t len)
{
	struct buf *tail = &job->tail[job->tail_count++ % SCREEN_TAIL];

	buf_reset(tail);
	buf_add(tail, line, len > SCREEN_TAIL_MAX ? SCREEN_TAIL_MAX : len);
}

static void
on_line(void *data, const char *line, size_t len)
{
	struct shown_job *job = data;
	struct screen *s = job->screen;

	if (!job->tail_frozen)
		keep_tail(job, line, len);
	if (s->options.json) {
		screen_json_line(s, job, line, len);
	} else {
		screen_prefix(s, job);
		buf_add(&s->out, line, len);
		buf_add_char(&s->out, '\n');
	}
	if (s->out.len > FLUSH_AT)
		write_out(s);
}

void
screen_log(
    struct screen *s, int64_t job_id, const char *bytes, size_t len, int64_t now_us)
{
	struct shown_job *job = screen_find(s, job_id);

	if (job == NULL)
		return;
	s->now_us = now_us;
	screen_erase_live(s);
	lines_feed(&job->lines, bytes, len, on_line, job);
}

const char *
screen_status_word(const struct screen_job *job)
{
	static const char *const words[STATUS_COUNT] = {
		[STATUS_CREATED] = "not started",
		[STATUS_WAITING_FOR_RESOURCE] = "waiting",
		[STATUS_SUCCESS] = "passed",
		[STATUS_SCHEDULED] = "delayed",
	};

	assert((size_t)job->status < STATUS_COUNT);
	if (job->status == STATUS_FAILED && job->warned)
		return "failed (allowed)";
	if (job->status < STATUS_COUNT && words[job->status] != NULL)
		return words[job->status];
	return status_name(job->status);
}

int
screen_status_color(const struct screen_job *job)
{
	switch (job->status) {
	case STATUS_SUCCESS:
		return 32;
	case STATUS_FAILED:
		return job->warned ? 33 : 31;
	case STATUS_CANCELED:
	case STATUS_CANCELING:
	case STATUS_MANUAL:
	case STATUS_SCHEDULED:
	case STATUS_WAITING_FOR_RESOURCE:
		return 33;
	case STATUS_CREATED:
	case STATUS_PREPARING:
	case STATUS_PENDING:
	case STATUS_SKIPPED:
		return 90;
	case STATUS_RUNNING:
	case STATUS_COUNT:
		break;
	}
	return 36;
}

/* Changes worth a line of their own: the start, and every end. */
static bool
is_news(enum status status)
{
	return status == STATUS_RUNNING || status == STATUS_CANCELING ||
	    status == STATUS_MANUAL || status == STATUS_SCHEDULED ||
	    status == STATUS_WAITING_FOR_RESOURCE || status_is_completed(status);
}

static void
print_change(
    struct screen *s, const struct shown_job *shown, const struct screen_job *job)
{
	char took[32];

	screen_prefix(s, shown);
	screen_color(s, screen_status_color(job));
	buf_printf(&s->out, "%s %s", s->utf8 && s->options.color ? "●" : "*",
	    screen_status_word(job));
	screen_color(s, 0);
	if (job->status == STATUS_RUNNING && job->attempt > 1)
		buf_printf(&s->out, ", try %d", job->attempt);
	if (job->finished_us != 0 && job->started_us != 0) {
		screen_duration(job->finished_us - job->started_us, took, sizeof(took));
		buf_printf(&s->out, " in %s", took);
	}
	if (job->detail != NULL && *job->detail != '\0') {
		buf_add_str(&s->out, ": ");
		visible_add(&s->out, job->detail);
	}
	if (job->retried)
		buf_add_str(&s->out, "; trying again");
	buf_add_char(&s->out, '\n');
}

void
screen_job_changed(struct screen *s, const struct screen_job *job, int64_t now_us)
{
	struct shown_job *shown = screen_find(s, job->id);

	if (shown == NULL)
		shown = add_job(s, job);
	if (shown->status == job->status)
		return;
	shown->status = job->status;
	shown->started_us = job->started_us;
	s->now_us = now_us;
	screen_erase_live(s);
	if (status_is_completed(job->status))
		lines_end(&shown->lines, on_line, shown);
	if (s->options.json)
		screen_json_job(s, job);
	else if (is_news(job->status))
		print_change(s, shown, job);
}

void
screen_freeze_tail(struct screen *s, int64_t job_id)
{
	struct shown_job *job = screen_find(s, job_id);

	if (job == NULL)
		return;
	lines_end(&job->lines, on_line, job);
	job->tail_frozen = true;
}

void
screen_message(struct screen *s, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	screen_erase_live(s);
	if (s->options.json)
		screen_json_message(s, text);
	else
		buf_printf(&s->out, "%s\n", text);
}

/* As much of the last line as fits; colours were let through, so they are left out here.
 */
static void
add_plain(struct buf *out, const char *line, size_t len, size_t columns)
{
	for (size_t i = 0; i < len && columns > 0; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c == '\033') {
			while (i < len && line[i] != 'm')
				i++;
			continue;
		}
		if (c == '\t')
			c = ' ';
		if ((c & 0xc0) != 0x80)
			columns--;
		buf_add_char(out, (char)c);
	}
}

static void
draw_live_line(struct screen *s, const struct shown_job *job, size_t columns)
{
	static const char *const spin[] = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇",
		"⠏" };
	static const char *const plain[] = { "-", "\\", "|", "/" };
	size_t turn = (size_t)(s->now_us / 100000), used = s->width + 14;
	char took[32];

	screen_duration(s->now_us - job->started_us, took, sizeof(took));
	screen_color(s, job->color);
	buf_printf(
	    &s->out, "%s %s", s->utf8 ? spin[turn % 10] : plain[turn % 4], job->name);
	screen_color(s, 0);
	for (size_t n = visible_width(job->name); n < s->width; n++)
		buf_add_char(&s->out, ' ');
	buf_printf(&s->out, " %8s  ", took);
	screen_color(s, 90);
	if (job->tail_count > 0 && columns > used) {
		const struct buf *last = &job->tail[(job->tail_count - 1) % SCREEN_TAIL];

		add_plain(&s->out, buf_str(last), last->len, columns - used);
	}
	screen_color(s, 0);
	buf_add_str(&s->out, "\033[K\n");
}

void
screen_tick(struct screen *s, int64_t now_us)
{
	struct winsize size = { .ws_col = 80, .ws_row = 24 };
	size_t more = 0;

	s->now_us = now_us;
	if (!s->options.live || s->options.json) {
		write_out(s);
		return;
	}
	if (ioctl(s->options.fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	screen_erase_live(s);
	for (size_t i = 0; i < s->count; i++) {
		if (s->jobs[i]->status != STATUS_RUNNING &&
		    s->jobs[i]->status != STATUS_CANCELING)
			continue;
		if (s->live_lines + 2 >= size.ws_row / 2u) {
			more++;
			continue;
		}
		draw_live_line(s, s->jobs[i], size.ws_col);
		s->live_lines++;
	}
	if (more > 0) {
		buf_printf(&s->out, "  and %zu more running\033[K\n", more);
		s->live_lines++;
	}
	write_out(s);
}

void
screen_flush(struct screen *s)
{
	write_out(s);
}
