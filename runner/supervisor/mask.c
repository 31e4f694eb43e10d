/* Replacing secrets in a stream. */
#include "runner/supervisor/mask.h"

void
mask_compile(struct mask *m)
{
	matcher_compile(&m->secrets);
}

void
mask_clear(struct mask *m)
{
	matcher_clear(&m->secrets);
	buf_clear(&m->window);
	*m = (struct mask)MASK_INIT;
}

/*
 * Every match that begins before end is known. Secrets that overlap or touch are hidden
 * together, so that no tail of one shows beside the other.
 */
static void
release(struct mask *m, size_t end, struct buf *out)
{
	const char *data = m->window.data;
	size_t hidden_to = m->covered;
	bool is_open = m->is_open;
	struct match match;

	for (size_t at = 0; matcher_find(&m->secrets, data, m->window.len, at, &match) &&
	     match.start < end;
	     at = match.start + 1) {
		if (match.start > hidden_to || !is_open) {
			buf_add(out, data + hidden_to, match.start - hidden_to);
			buf_add_str(out, MASK_TEXT);
		}
		is_open = true;
		if (match.start + match.len > hidden_to)
			hidden_to = match.start + match.len;
	}
	if (hidden_to < end) {
		buf_add(out, data + hidden_to, end - hidden_to);
		hidden_to = end;
		is_open = false;
	}
	m->covered = hidden_to - end;
	m->is_open = is_open;
	buf_remove_front(&m->window, end);
}

void
mask_feed(struct mask *m, const char *data, size_t len, struct buf *out)
{
	buf_add(&m->window, data, len);
	release(m, matcher_unfinished(&m->secrets, m->window.data, m->window.len), out);
}

void
mask_flush(struct mask *m, struct buf *out)
{
	if (m->window.len > 0)
		release(m, m->window.len, out);
}
