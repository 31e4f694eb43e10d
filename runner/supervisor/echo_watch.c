/* Recognising the lines that show script items. */
#include "runner/supervisor/echo_watch.h"

#define PREFIX "\033[32;1m$ "
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define LINE_MAX_BYTES (256u << 10) /* an item that long is not recognised */

void
echo_watch_begin(struct echo_watch *w, const struct strlist *items)
{
	w->items = items;
	w->item = -1;
	w->matched = 0;
	buf_reset(&w->line);
}

void
echo_watch_clear(struct echo_watch *w)
{
	buf_clear(&w->line);
}

/* Items may be equal: the next one is the likely one, a loop may come back to any. */
static void
find_item(struct echo_watch *w)
{
	size_t count = w->items->count;

	for (size_t i = 0; i < count; i++) {
		size_t item = ((size_t)(w->item + 1) + i) % count;
		const char *line = w->items->items[item];

		if (strlen(line) == PREFIX_LEN + w->line.len &&
		    memcmp(line + PREFIX_LEN, w->line.data, w->line.len) == 0) {
			w->item = (int32_t)item;
			return;
		}
	}
}

/* The escape stands only at the prefix's start, so that no byte is looked at twice. */
static size_t
match_prefix(struct echo_watch *w, const char *data, size_t len)
{
	size_t n = 0;

	while (n < len && w->matched < PREFIX_LEN) {
		if (data[n] == PREFIX[w->matched]) {
			w->matched++;
		} else if (data[n] == PREFIX[0]) {
			w->matched = 1;
		} else {
			w->matched = 0;
			return n + 1;
		}
		n++;
	}
	return n;
}

static size_t
gather_line(struct echo_watch *w, const char *data, size_t len)
{
	const char *newline = memchr(data, '\n', len);
	size_t n = newline == NULL ? len : (size_t)(newline - data);

	buf_add(&w->line, data, n);
	if (newline == NULL && w->line.len <= LINE_MAX_BYTES)
		return n;
	if (newline != NULL)
		find_item(w);
	w->matched = 0;
	buf_reset(&w->line);
	return n;
}

void
echo_watch_feed(struct echo_watch *w, const char *data, size_t len)
{
	if (w->items == NULL || w->items->count == 0)
		return;
	while (len > 0) {
		size_t n;

		if (w->matched == 0) {
			const char *escape = memchr(data, PREFIX[0], len);

			n = escape == NULL ? len : (size_t)(escape - data);
			w->matched = escape != NULL;
			n += escape != NULL;
		} else if (w->matched < PREFIX_LEN) {
			n = match_prefix(w, data, len);
		} else {
			n = gather_line(w, data, len);
		}
		data += n;
		len -= n;
	}
}
