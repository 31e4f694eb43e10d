/* Lines, sections and matches of a log. */
#include "scheduler/log_view.h"

#include <ctype.h>
#include <strings.h>

#include "base/regex.h"
#include "base/str.h"
#include "scheduler/log_colour.h"

enum { PIECE = 64 * 1024, SKIP_BYTES = 1024 * 1024 };

/* ---- line by line ----------------------------------------------------------------- */

struct walk {
	struct log_reader *reader;
	struct buf line; /* what is known of it */
	int64_t number;  /* of that line */
	int64_t skipped; /* bytes of it that are not kept */
	bool has_bytes;  /* the line has begun */
	bool is_over;
	log_line_fn fn;
	void *data;
};

static void
give_line(struct walk *k, const char *text, size_t len)
{
	const struct log_line line = {
		.number = k->number++, .text = text, .len = len, .is_cut = k->skipped > 0
	};

	k->is_over = !k->fn(&line, k->data);
	k->skipped = 0;
	k->has_bytes = false;
}

static void
end_line(struct walk *k)
{
	give_line(k, buf_str(&k->line), k->line.len);
	buf_reset(&k->line);
}

static void
add_bytes(struct walk *k, const char *bytes, size_t len)
{
	const size_t room = LOG_VIEW_LINE - k->line.len, n = len < room ? len : room;

	buf_add(&k->line, bytes, n);
	k->skipped += (int64_t)(len - n);
	k->has_bytes = k->has_bytes || len > 0;
}

/* As much as there is; a line's end may come with the next piece. */
static void
take_piece(struct walk *k, const char *bytes, size_t len)
{
	const char *end = bytes + len, *newline;

	while (!k->is_over && bytes < end) {
		newline = memchr(bytes, '\n', (size_t)(end - bytes));
		if (newline != NULL && !k->has_bytes &&
		    newline - bytes <= LOG_VIEW_LINE) { /* most are: not copied */
			give_line(k, bytes, (size_t)(newline - bytes));
			bytes = newline + 1;
			continue;
		}
		add_bytes(k, bytes, (size_t)((newline != NULL ? newline : end) - bytes));
		if (newline == NULL)
			return;
		end_line(k);
		bytes = newline + 1;
	}
}

/* The rest of a very long line is not read to find its end: the index knows the way. */
static int
skip_line(struct walk *k, int64_t *offset, struct error *err)
{
	struct log_range next;

	if (log_reader_find_lines(k->reader, k->number + 1, 0, &next, err) < 0)
		return err->code;
	end_line(k);
	k->is_over = k->is_over || next.lines < k->number;
	*offset = next.offset;
	return 0;
}

int
log_view_each(struct log_reader *r, int64_t first, log_line_fn fn, void *data,
    const atomic_bool *cancel, struct error *err)
{
	cleanup_free char *piece = xmalloc(PIECE);
	struct walk k = { .reader = r, .line = BUF_INIT, .fn = fn, .data = data };
	struct log_range from = { .offset = 0 };
	size_t got = 1;
	int rc = r == NULL ? 0 : log_reader_find_lines(r, first, 0, &from, err);
	int64_t offset = from.offset;

	k.number = first;
	if (rc < 0 || r == NULL || from.lines < first)
		return rc;
	while (rc == 0 && got > 0 && !k.is_over) {
		if (cancel != NULL && atomic_load(cancel)) {
			rc = error_set(err, ERR_CANCELED, "canceled");
			break;
		}
		rc = log_reader_read(r, offset, piece, PIECE, &got, err);
		if (rc == 0) {
			offset += (int64_t)got;
			take_piece(&k, piece, got);
		}
		if (rc == 0 && !k.is_over && k.skipped > SKIP_BYTES)
			rc = skip_line(&k, &offset, err);
	}
	if (rc == 0 && !k.is_over && k.has_bytes)
		end_line(&k);
	buf_clear(&k.line);
	return rc;
}

/* A copy that NULs do not end: they become blanks. */
static char *
copy_text(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	for (size_t i = 0; i < len; i++)
		copy[i] = text[i] != '\0' ? text[i] : ' ';
	copy[len] = '\0';
	return copy;
}

/* ---- some lines ------------------------------------------------------------------- */

struct some {
	struct json_writer *w;
	int64_t left, bytes, *cut;
	int64_t taken;
	size_t cut_count, cut_cap;
};

static bool
add_line(const struct log_line *line, void *data)
{
	struct some *s = data;
	cleanup_free char *text = copy_text(line->text, line->len);

	json_add_string(s->w, text);
	if (line->is_cut) {
		GROW(s->cut, s->cut_count, s->cut_cap);
		s->cut[s->cut_count++] = s->taken;
	}
	s->taken++;
	s->bytes -= (int64_t)line->len;
	return --s->left > 0 && s->bytes > 0;
}

/* Lines, with one that has no end yet. */
static int
count_lines(struct log_reader *r, int64_t *lines, int64_t *bytes, struct error *err)
{
	char last = '\n';
	size_t got = 0;

	if (r == NULL)
		return 0;
	if (log_reader_size(r, bytes, err) < 0 ||
	    log_reader_count_lines(r, lines, err) < 0)
		return err->code;
	if (*bytes > 0 && log_reader_read(r, *bytes - 1, &last, 1, &got, err) < 0)
		return err->code;
	*lines += last != '\n';
	return 0;
}

int
log_view_lines(struct log_reader *r, int64_t first, int64_t count, struct json_writer *w,
    struct error *err)
{
	struct some s = { .w = w,
		.left = count < LOG_VIEW_LINES ? count : LOG_VIEW_LINES,
		.bytes = LOG_VIEW_BYTES };
	int64_t total = 0, bytes = 0;
	int rc = count_lines(r, &total, &bytes, err);

	json_put_int(w, "first", first);
	json_key(w, "lines");
	json_begin_array(w);
	if (rc == 0 && s.left > 0)
		rc = log_view_each(r, first, add_line, &s, NULL, err);
	json_end_array(w);
	json_key(w, "cut");
	json_begin_array(w);
	for (size_t i = 0; i < s.cut_count; i++)
		json_add_int(w, s.cut[i]);
	json_end_array(w);
	json_put_int(w, "total", total);
	json_put_int(w, "bytes", bytes);
	free(s.cut);
	return rc;
}

/* ---- what colours a terminal is not text --------------------------------------------
 */

struct text {
	const char *at;
	size_t len;
};

/* Without escape sequences: in the line itself, or a copy that out holds. */
static struct text
plain_text(const char *at, size_t len, struct buf *out)
{
	const char *end = at + len, *escape = memchr(at, '\033', len);

	if (escape == NULL)
		return (struct text){ at, len };
	buf_reset(out);
	while (at < end) {
		const char *until = escape != NULL ? escape : end;

		buf_add(out, at, (size_t)(until - at));
		if (escape == NULL)
			break;
		at = escape + 1;
		if (at < end && *at == '[')
			for (at++; at < end && !(*at >= '@' && *at <= '~'); at++)
				;
		at += at < end;
		escape = memchr(at, '\033', (size_t)(end - at));
	}
	return (struct text){ buf_str(out), out->len };
}

static struct text
trimmed(struct text t)
{
	while (t.len > 0 && (unsigned char)t.at[0] <= ' ') {
		t.at++;
		t.len--;
	}
	while (t.len > 0 && (unsigned char)t.at[t.len - 1] <= ' ')
		t.len--;
	return t;
}

/* ---- outline ----------------------------------------------------------------------- */

struct section {
	char *name, *title;
	int64_t first, last, start, end; /* below 0: open, or it began before */
	bool collapsed;
};

struct outline {
	int64_t from; /* the line it begins at */
	struct section *sections;
	size_t count, cap;
	int64_t errors[LOG_VIEW_FOUND], total;
	size_t error_count;
	struct log_colour last, now; /* at the last line's beginning, at its end */
	char told[LOG_COLOUR_MAX];   /* the last of colours */
	struct buf colours;          /* ",[LINE,CODES]" */
	size_t colour_count;
	unsigned char kinds[256]; /* of characters, to find errors by */
	struct buf plain;
};

/* "TIME:NAME[collapsed=true]": the length of the name, 0 when it is none; *time, *name.
 */
static size_t
read_mark(const char *at, const char *end, int64_t *time, const char **name)
{
	const char *from = at;

	*time = 0;
	while (at < end && isdigit((unsigned char)*at) && at - from < 15)
		*time = *time * 10 + (*at++ - '0');
	if (at == from || at == end || *at != ':')
		return 0;
	from = *name = ++at;
	while (at < end &&
	    (isalnum((unsigned char)*at) || *at == '_' || *at == '.' || *at == '-'))
		at++;
	return (size_t)(at - from);
}

static struct section *
open_section(struct outline *o, const char *name, size_t len)
{
	for (size_t i = o->count; i > 0; i--) {
		struct section *s = &o->sections[i - 1];

		if (s->last < 0 && strlen(s->name) == len &&
		    memcmp(s->name, name, len) == 0)
			return s;
	}
	return NULL;
}

/* What stands behind the mark, up to the next one. */
static char *
title_of(struct outline *o, const char *at, const char *end)
{
	const char *next = memmem(at, (size_t)(end - at), "section_", 8);
	const struct text text = trimmed(
	    plain_text(at, (size_t)((next != NULL ? next : end) - at), &o->plain));

	return copy_text(text.at, text.len);
}

static const char *
begin_section(struct outline *o, int64_t line, const char *at, const char *end)
{
	int64_t time;
	const char *options, *close, *name = at;
	const size_t len = read_mark(at, end, &time, &name);

	if (len == 0 || o->count == LOG_VIEW_SECTIONS)
		return at;
	options = name + len;
	close = options < end && *options == '['
	    ? memchr(options, ']', (size_t)(end - options))
	    : NULL;
	GROW(o->sections, o->count, o->cap);
	o->sections[o->count++] = (struct section){ .name = xstrndup(name, len),
		.title = title_of(o, close != NULL ? close + 1 : options, end),
		.first = line,
		.last = -1,
		.start = time,
		.end = -1,
		.collapsed = close != NULL &&
		    memmem(options, (size_t)(close - options), "collapsed=true", 14) !=
			NULL };
	return close != NULL ? close + 1 : options;
}

/* One that began before the lines that are looked at. */
static struct section *
earlier_section(struct outline *o, const char *name, size_t len)
{
	if (o->from == 0 || o->count == LOG_VIEW_SECTIONS)
		return NULL;
	GROW(o->sections, o->count, o->cap);
	o->sections[o->count++] = (struct section){ .name = xstrndup(name, len),
		.title = xstrdup(""),
		.first = -1,
		.start = -1 };
	return &o->sections[o->count - 1];
}

/* Whether anything of a line is to be seen from here on. */
static bool
has_text(struct outline *o, const char *at, const char *end)
{
	return trimmed(plain_text(at, (size_t)(end - at), &o->plain)).len > 0;
}

static const char *
end_section(struct outline *o, int64_t line, const char *at, const char *end)
{
	int64_t time;
	const char *name = at;
	const size_t len = read_mark(at, end, &time, &name);
	struct section *s = len == 0 ? NULL : open_section(o, name, len);

	if (s == NULL && len > 0)
		s = earlier_section(o, name, len);
	if (s == NULL)
		return at;
	s->last = line > s->first && has_text(o, name + len, end) ? line - 1 : line;
	s->end = time;
	return name + len;
}

/* A line may end one section and begin the next. */
static void
find_marks(struct outline *o, const struct log_line *line)
{
	static const char begins[] = "section_start:", ends[] = "section_end:";
	const char *at = line->text, *end = at + line->len;

	while ((at = memmem(at, (size_t)(end - at), "section_", 8)) != NULL) {
		const size_t left = (size_t)(end - at);

		if (left > sizeof(begins) && memcmp(at, begins, sizeof(begins) - 1) == 0)
			at = begin_section(o, line->number, at + sizeof(begins) - 1, end);
		else if (left > sizeof(ends) && memcmp(at, ends, sizeof(ends) - 1) == 0)
			at = end_section(o, line->number, at + sizeof(ends) - 1, end);
		else
			at += 8;
	}
}

/* What compilers, tests and shells say of what went wrong. */
static const char *const error_words[] = { "error", "errors", "fatal", "panic",
	"exception", "failed", "failure", "traceback", "segmentation fault",
	"command not found" };

enum { IN_NAME = 1, BEGINS = 2 }; /* what a character may be: of a name, of such a word */

/* A word of its own is no part of the name of a file or an option. */
static void
learn_words(unsigned char *kinds)
{
	for (int c = 0; c < 256; c++)
		kinds[c] =
		    c < 128 && (isalnum(c) || (c != 0 && strchr("_-/.", c) != NULL))
		    ? IN_NAME
		    : 0;
	for (size_t i = 0; i < ARRAY_LEN(error_words); i++) {
		kinds[(unsigned char)error_words[i][0]] |= BEGINS;
		kinds[toupper((unsigned char)error_words[i][0])] |= BEGINS;
	}
}

static bool
is_error_word(const struct outline *o, const char *at, const char *end)
{
	for (size_t i = 0; i < ARRAY_LEN(error_words); i++) {
		const char *word = error_words[i];
		size_t n;

		if (at + 1 == end || (at[0] | 0x20) != word[0] ||
		    (at[1] | 0x20) != word[1])
			continue; /* nearly all: cheap */
		n = strlen(word);
		if ((size_t)(end - at) >= n && strncasecmp(at, word, n) == 0 &&
		    (at + n == end || !(o->kinds[(unsigned char)at[n]] & IN_NAME)))
			return true;
	}
	return false;
}

/* Not where it is said that there was none: "0 errors", "no failure". */
static bool
tells_of_error(const struct outline *o, struct text text)
{
	const char *end = text.at + text.len;
	unsigned char before = 0;

	for (const char *at = text.at; at < end; at++) {
		const unsigned char kind = o->kinds[(unsigned char)*at];

		if ((kind & BEGINS) && !(before & IN_NAME) && is_error_word(o, at, end) &&
		    !(at - text.at >= 2 && strncmp(at - 2, "0 ", 2) == 0) &&
		    !(at - text.at >= 3 && strncasecmp(at - 3, "no ", 3) == 0))
			return true;
		before = kind;
	}
	return false;
}

static void
note_colour(struct outline *o, const struct log_line *line)
{
	char text[LOG_COLOUR_MAX];

	o->last = o->now;
	log_colour_read(&o->now, line->text, line->len);
	if (line->number % LOG_VIEW_COLOURED != 0 || o->colour_count == LOG_VIEW_FOUND)
		return;
	log_colour_text(&o->last, text);
	if (str_eq(text, o->told))
		return;
	memcpy(o->told, text, sizeof(text));
	buf_printf(&o->colours, "%s[%" PRId64 ",\"%s\"]",
	    o->colour_count++ > 0 ? "," : "", line->number, text);
}

static bool
outline_line(const struct log_line *line, void *data)
{
	struct outline *o = data;

	o->total = line->number + 1;
	find_marks(o, line);
	note_colour(o, line);
	if (o->error_count == ARRAY_LEN(o->errors))
		return true;
	if (tells_of_error(o, plain_text(line->text, line->len, &o->plain)))
		o->errors[o->error_count++] = line->number;
	return true;
}

/* null below 0 */
static void
put_number(struct json_writer *w, const char *key, int64_t n)
{
	json_key(w, key);
	if (n < 0)
		json_add_null(w);
	else
		json_add_int(w, n);
}

static void
put_outline(struct json_writer *w, const struct outline *o)
{
	char last[LOG_COLOUR_MAX];

	json_key(w, "sections");
	json_begin_array(w);
	for (size_t i = 0; i < o->count; i++) {
		const struct section *s = &o->sections[i];

		json_begin_object(w);
		json_put_string(w, "name", s->name);
		json_put_string(w, "title", s->title);
		put_number(w, "first", s->first);
		put_number(w, "last", s->last);
		put_number(w, "start", s->start);
		put_number(w, "end", s->end);
		json_put_bool(w, "collapsed", s->collapsed);
		json_end_object(w);
	}
	json_end_array(w);
	json_key(w, "errors");
	json_begin_array(w);
	for (size_t i = 0; i < o->error_count; i++)
		json_add_int(w, o->errors[i]);
	json_end_array(w);
	json_key(w, "colours");
	json_begin_array(w);
	if (o->colours.len > 0)
		json_add_raw(w, buf_str(&o->colours));
	json_end_array(w);
	log_colour_text(&o->last, last);
	json_put_string(w, "colour", last);
	json_put_int(w, "total", o->total);
}

int
log_view_outline(struct log_reader *r, int64_t from, const char *colour,
    struct json_writer *w, const atomic_bool *cancel, struct error *err)
{
	struct outline *o = xcalloc(1, sizeof(*o));
	cleanup_free char *given = xasprintf("\033[%sm", colour != NULL ? colour : "");
	int rc;

	o->from = o->total = from;
	log_colour_read(&o->now, given, strlen(given));
	log_colour_text(&o->now, o->told);
	o->last = o->now;
	learn_words(o->kinds);
	rc = log_view_each(r, from, outline_line, o, cancel, err);
	if (rc == 0)
		put_outline(w, o);
	for (size_t i = 0; i < o->count; i++) {
		free(o->sections[i].name);
		free(o->sections[i].title);
	}
	free(o->sections);
	buf_clear(&o->plain);
	buf_clear(&o->colours);
	free(o);
	return rc;
}

/* ---- search ------------------------------------------------------------------------ */

struct searching {
	const struct log_search *what;
	size_t len;          /* of its text */
	struct regex *regex; /* NULL: it is plain text */
	struct buf plain;
	int64_t found[LOG_VIEW_FOUND], count;
};

/* Letters of ASCII alone have two forms here. */
static bool
has_either_case(struct text text, const char *what, size_t len)
{
	const char *end = text.at + text.len;
	const int low = tolower((unsigned char)*what),
		  high = toupper((unsigned char)*what);

	if (len == 0)
		return true;
	for (const char *at = text.at; (size_t)(end - at) >= len; at++)
		if ((*at == (char)low || *at == (char)high) &&
		    strncasecmp(at, what, len) == 0)
			return true;
	return false;
}

static bool
matches(struct searching *s, struct text text)
{
	struct error ignored = ERROR_INIT;

	if (s->regex != NULL)
		return regex_match(s->regex, text.at, text.len, 0, NULL, 0, &ignored) ==
		    1;
	if (s->what->match_case)
		return memmem(text.at, text.len, s->what->text, s->len) != NULL;
	return has_either_case(text, s->what->text, s->len);
}

static bool
search_line(const struct log_line *line, void *data)
{
	struct searching *s = data;

	if (!matches(s, plain_text(line->text, line->len, &s->plain)))
		return true;
	if (s->count < LOG_VIEW_FOUND)
		s->found[s->count] = line->number;
	s->count++;
	return true;
}

int
log_view_search(struct log_reader *r, const struct log_search *search,
    struct json_writer *w, const atomic_bool *cancel, struct error *err)
{
	struct searching *s = xcalloc(1, sizeof(*s));
	int rc = 0;

	s->what = search;
	s->len = strlen(search->text);
	if (search->is_regex)
		rc = regex_compile(search->text, strlen(search->text),
		    search->match_case ? 0 : REGEX_IGNORE_CASE, &s->regex, err);
	if (rc == 0)
		rc = log_view_each(r, 0, search_line, s, cancel, err);
	if (rc == 0) {
		json_put_int(w, "count", s->count);
		json_key(w, "lines");
		json_begin_array(w);
		for (int64_t i = 0; i < s->count && i < LOG_VIEW_FOUND; i++)
			json_add_int(w, s->found[i]);
		json_end_array(w);
	}
	regex_free(s->regex);
	buf_clear(&s->plain);
	free(s);
	return rc;
}
