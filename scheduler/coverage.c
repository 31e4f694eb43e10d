/* Finding a job's coverage: lines from the end of the log, until one has a number. */
#include "scheduler/coverage.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define CHUNK ((size_t)64 * 1024)
#define MAX_GROUPS 64
#define TIMESTAMP_LEN 32

/* ---- one line
 * -------------------------------------------------------------------------- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The first "12" or "12.5" in text. */
static bool
find_number(const char *text, size_t len, double *out)
{
	double value = 0, place = 1;
	size_t i = 0;

	while (i < len && !is_digit(text[i]))
		i++;
	if (i == len)
		return false;
	for (; i < len && is_digit(text[i]); i++)
		value = value * 10 + (text[i] - '0');
	if (i + 1 < len && text[i] == '.' && is_digit(text[i + 1]))
		for (i++; i < len && is_digit(text[i]); i++) {
			place /= 10;
			value += place * (text[i] - '0');
		}
	*out = value;
	return true;
}

/* The last match of the line; its span, or that of its last group. */
static int
find_last_match(struct regex *re, const char *line, size_t len, struct regex_span *out,
    struct error *err)
{
	struct regex_span spans[MAX_GROUPS];
	size_t groups = regex_group_count(re), start = 0;
	int found = 0;

	if (groups >= MAX_GROUPS)
		groups = MAX_GROUPS - 1;
	while (start <= len) {
		int rc = regex_match(re, line, len, start, spans, groups + 1, err);

		if (rc < 0)
			return rc;
		if (rc == 0)
			break;
		*out = spans[groups];
		found = 1;
		/* an empty match has to move on by itself */
		start = spans[0].end > start ? spans[0].end : start + 1;
	}
	return found;
}

static int
find_in_text(
    struct regex *re, const char *line, size_t len, double *percent, struct error *err)
{
	struct regex_span span = { 0, 0 };
	int rc = find_last_match(re, line, len, &span, err);

	if (rc <= 0)
		return rc;
	if (span.start == SIZE_MAX || span.end < span.start)
		return 0; /* the group took no part */
	return find_number(line + span.start, span.end - span.start, percent) ? 1 : 0;
}

/* Length of the escape sequence at s: ESC [ … letter, or ESC and one more. */
static size_t
escape_length(const char *s, size_t len)
{
	size_t i = 2;

	if (len < 2 || s[1] != '[')
		return len < 2 ? len : 2;
	while (i < len && (unsigned char)s[i] < 0x40)
		i++;
	return i < len ? i + 1 : len;
}

static void
add_without_escapes(struct buf *out, const char *s, size_t len)
{
	while (len > 0) {
		const char *escape = memchr(s, '\033', len);
		size_t plain = escape == NULL ? len : (size_t)(escape - s);
		size_t skip;

		buf_add(out, s, plain);
		s += plain;
		len -= plain;
		skip = len == 0 ? 0 : escape_length(s, len);
		s += skip;
		len -= skip;
	}
}

static bool
fits_shape(char shape, char c)
{
	switch (shape) {
	case '0':
		return is_digit(c);
	case 'x':
		return is_digit(c) || (c >= 'a' && c <= 'f');
	case '?':
		return c == 'O' || c == 'E';
	case '+':
		return c == '+' || c == ' ';
	default:
		return c == shape;
	}
}

/* What runners put before a line: time, stream, O or E, and whether it goes on. */
static bool
has_timestamp(const char *line, size_t len)
{
	static const char shape[] = "0000-00-00T00:00:00.000000Z xx?+";

	if (len < TIMESTAMP_LEN)
		return false;
	for (size_t i = 0; i < TIMESTAMP_LEN; i++)
		if (!fits_shape(shape[i], line[i]))
			return false;
	return true;
}

int
coverage_find_in_line(
    struct regex *re, const char *line, size_t len, double *percent, struct error *err)
{
	cleanup_buf struct buf plain = BUF_INIT;

	if (has_timestamp(line, len)) {
		line += TIMESTAMP_LEN;
		len -= TIMESTAMP_LEN;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (memchr(line, '\033', len) == NULL)
		return find_in_text(re, line, len, percent, err);
	add_without_escapes(&plain, line, len);
	return find_in_text(re, buf_str(&plain), plain.len, percent, err);
}

/* ---- the log
 * ----------------------------------------------------------------------------- */

/* The part of the log being looked at; what is behind it has been. */
struct window {
	int fd;
	uint64_t start; /* offset of data[0] in the log */
	char *data;
	size_t len;
};

static int
read_at(const struct window *w, size_t len, struct error *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n =
		    pread(w->fd, w->data + done, len - done, (off_t)(w->start + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "cannot read the log");
		if (n == 0)
			return error_set(err, ERR_INVALID, "the log became shorter");
		done += (size_t)n;
	}
	return 0;
}

/* Put one more piece before what is left, which is the end of a line that begins in it.
 */
static int
extend(struct window *w, struct error *err)
{
	size_t more = w->start < CHUNK ? (size_t)w->start : CHUNK;

	if (w->len > COVERAGE_MAX_LINE) {
		memmove(w->data, w->data + w->len - COVERAGE_MAX_LINE, COVERAGE_MAX_LINE);
		w->len = COVERAGE_MAX_LINE;
	}
	memmove(w->data + more, w->data, w->len);
	w->start -= more;
	w->len += more;
	return read_at(w, more, err);
}

/* The lines that are whole, from the last one on; what is left is the end of one. */
static int
look_at_lines(struct window *w, struct regex *re, double *percent, struct error *err)
{
	for (;;) {
		const char *newline = memrchr(w->data, '\n', w->len);
		size_t line = newline == NULL ? 0 : (size_t)(newline + 1 - w->data);
		int rc;

		if (newline == NULL && w->start > 0)
			return 0;
		rc = coverage_find_in_line(
		    re, w->data + line, w->len - line, percent, err);
		if (rc != 0 || newline == NULL)
			return rc;
		w->len = line - 1;
	}
}

int
coverage_find(int fd, const char *pattern, double *percent, struct error *err)
{
	cleanup_regex struct regex *re = NULL;
	cleanup_free char *memory = NULL;
	struct window w = { .fd = fd };
	struct stat st;
	int rc = regex_compile(pattern, strlen(pattern), 0, &re, err);

	if (rc < 0)
		return error_wrap(err, "coverage");
	if (fstat(fd, &st) < 0)
		return error_errno(err, "cannot read the log");
	w.data = memory = xmalloc(CHUNK + COVERAGE_MAX_LINE);
	w.start = (uint64_t)st.st_size;
	rc = 0;
	while (rc == 0 && w.start > 0) {
		rc = extend(&w, err);
		if (rc == 0)
			rc = look_at_lines(&w, re, percent, err);
	}
	return rc;
}
