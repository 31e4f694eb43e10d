/*
 * A log as a page shows it: some of its lines, its sections and errors, lines that match.
 * Nothing here holds more of a log in memory than a piece of it. Any thread; whoever
 * reads all of a large log does it on a worker.
 * A reader of NULL is an empty log: that of a job which has not said anything yet.
 */
#ifndef SCHEDULER_LOG_VIEW_H
#define SCHEDULER_LOG_VIEW_H

#include <stdatomic.h>

#include "base/json_writer.h"
#include "scheduler/log_store.h"

enum {
	LOG_VIEW_LINES = 2000,        /* at once */
	LOG_VIEW_BYTES = 1024 * 1024, /* at once, about */
	LOG_VIEW_LINE = 64 * 1024,    /* of a line; what is longer comes cut */
	LOG_VIEW_FOUND = 1000,        /* lines of a search, errors */
	LOG_VIEW_SECTIONS = 10000,
	LOG_VIEW_COLOURED = 256, /* lines */
};

struct log_line {
	int64_t number;   /* from 0 */
	const char *text; /* without its end; not NUL-terminated */
	size_t len;
	bool is_cut;
};

/* Each line from the first-th on, until fn returns false, cancel is set (ERR_CANCELED) or
 * the log ends; a last line without its end is one, too. cancel may be NULL. */
typedef bool (*log_line_fn)(const struct log_line *line, void *data);
MUST_CHECK int log_view_each(struct log_reader *r, int64_t first, log_line_fn fn,
    void *data, const atomic_bool *cancel, struct error *err);

/*
 * Members of the open object: "first", "lines" (texts; what is no UTF-8 replaced), "cut"
 * (the places in lines of those that are not whole), "total" lines and "bytes" by now.
 */
MUST_CHECK int log_view_lines(struct log_reader *r, int64_t first, int64_t count,
    struct json_writer *w, struct error *err);

/*
 * From line `from` on: "sections": {name, title, first, last (null while open), start,
 * end (seconds; null), collapsed}, as GitLab's runner marks them; "errors": numbers of
 * lines that tell of one; "total" lines. A section that began before has null as first
 * and start; one ends with the line before its mark, when more is behind the mark.
 * Source: docs.gitlab.com/ci/jobs/job_logs, "Custom collapsible sections".
 * "colours": [line, codes] for lines that divide by LOG_VIEW_COLOURED and begin with
 * other colours than the last of these did, the first with none; "colour": of the last
 * line, for who goes on with it and gives it as colour. log_colour.h.
 */
MUST_CHECK int log_view_outline(struct log_reader *r, int64_t from, const char *colour,
    struct json_writer *w, const atomic_bool *cancel, struct error *err);

struct log_search {
	const char *text;
	bool is_regex, match_case;
};

/* "count" of lines that have it, and the numbers of the first ones, "lines". Colours do
 * not matter. ERR_INVALID: the expression is wrong. */
MUST_CHECK int log_view_search(struct log_reader *r, const struct log_search *search,
    struct json_writer *w, const atomic_bool *cancel, struct error *err);

#endif
