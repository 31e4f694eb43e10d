/*
 * What a page asks of a log that a job wrote: its lines, its outline with sections,
 * errors and colours, a search in it. The first line of the input is what is searched
 * for, its first byte says how and from which line on; the rest is the log.
 */
#include <jansson.h>

#include "base/buf.h"
#include "scheduler/log_internal.h"
#include "scheduler/log_view.h"
#include "tests/fuzz/file_of.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the object and holds it against a reader of JSON that is not ours. */
static void
prove(struct json_writer *w)
{
	json_t *read;

	json_end_object(w);
	read = json_loadb(buf_str(w->out), w->out->len, JSON_ALLOW_NUL, NULL);
	if (read == NULL)
		abort();
	json_decref(read);
}

static void
ask(struct log_reader *r, const struct log_search *search, int64_t from)
{
	cleanup_buf struct buf outline = BUF_INIT, lines = BUF_INIT, found = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&outline);
	struct error err = ERROR_INIT;

	json_begin_object(&w);
	if (log_view_outline(r, from, from > 0 ? search->text : NULL, &w, NULL, &err) < 0)
		abort();
	prove(&w);
	w = (struct json_writer)JSON_WRITER_INIT(&lines);
	json_begin_object(&w);
	if (log_view_lines(r, from, LOG_VIEW_LINES, &w, &err) < 0)
		abort();
	prove(&w);
	w = (struct json_writer)JSON_WRITER_INIT(&found);
	json_begin_object(&w);
	if (log_view_search(r, search, &w, NULL, &err) == 0)
		prove(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_log_reader struct log_reader *r = NULL;
	const uint8_t *rest = size == 0 ? NULL : memchr(data, '\n', size);
	cleanup_free char *text = NULL;
	struct log_search search;
	struct error err = ERROR_INIT;
	size_t begin;

	if (rest == NULL || rest == data)
		return 0;
	begin = (size_t)(rest + 1 - data);
	text = xstrndup((const char *)data + 1, begin - 2);
	search = (struct log_search){ .text = text,
		.is_regex = (data[0] & 1) != 0,
		.match_case = (data[0] & 2) != 0 };
	if (log_reader_from_files(
		file_of(rest + 1, size - begin), false, file_of("", 0), &r, &err) == 0)
		ask(r, &search, data[0] >> 2);
	return 0;
}
