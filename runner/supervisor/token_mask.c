/* Secrets that are known by what stands before them. */
#include "runner/supervisor/token_mask.h"

#include <ctype.h>

#include "runner/supervisor/mask.h"

/* URL parameters begin with ? or &, and end at the next parameter. */
static const char *const prefixes[] = { "glpat-", "gloas-", "gldt-", "glrt-", "glcbt-",
	"glrtr-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "glffct-",
	"_gitlab_session=", "gltok-", "?private_token=", "&private_token=",
	"?authenticity_token=", "&authenticity_token=", "?rss_token=", "&rss_token=",
	"?x-amz-signature=", "&x-amz-signature=", "?x-amz-credential=",
	"&x-amz-credential=", "?x-amz-security-token=", "&x-amz-security-token=",
	"?X-Amz-Signature=", "&X-Amz-Signature=", "?X-Amz-Credential=",
	"&X-Amz-Credential=", "?X-Amz-Security-Token=", "&X-Amz-Security-Token=" };

void
token_mask_compile(struct token_mask *m)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		matcher_add(&m->prefixes, prefixes[i], strlen(prefixes[i]));
	matcher_compile(&m->prefixes);
}

void
token_mask_clear(struct token_mask *m)
{
	matcher_clear(&m->prefixes);
	buf_clear(&m->window);
	*m = (struct token_mask)TOKEN_MASK_INIT;
}

static bool
goes_on(enum token_tail tail, unsigned char c)
{
	switch (tail) {
	case TOKEN_WORD:
		return isalnum(c) || (c != '\0' && strchr("._=-", c) != NULL);
	case TOKEN_PARAMETER:
		return c > ' ' && strchr("&#\"'<>`", c) == NULL;
	case TOKEN_NONE:
		break;
	}
	return false;
}

/* The tail that may begin at position at; where it ends, as far as can be seen. */
static size_t
hide_tail(struct token_mask *m, size_t at, struct buf *out)
{
	const char *data = m->window.data;
	size_t end = at;

	while (end < m->window.len && goes_on(m->tail, (unsigned char)data[end]))
		end++;
	if (end > at && !m->is_shown) {
		buf_add_str(out, MASK_TEXT);
		m->is_shown = true;
	}
	if (end < m->window.len)
		m->tail = TOKEN_NONE;
	return end;
}

/* Every prefix that begins before end is known. */
static void
release(struct token_mask *m, size_t end, struct buf *out)
{
	const char *data = m->window.data;
	size_t at = hide_tail(m, 0, out);
	struct match match;

	while (at < end) {
		if (!matcher_find(&m->prefixes, data, m->window.len, at, &match) ||
		    match.start >= end) {
			buf_add(out, data + at, end - at);
			at = end;
			break;
		}
		buf_add(out, data + at, match.start + match.len - at);
		m->tail = strchr("?&", data[match.start]) != NULL ? TOKEN_PARAMETER
								  : TOKEN_WORD;
		m->is_shown = false;
		at = hide_tail(m, match.start + match.len, out);
	}
	buf_remove_front(&m->window, at);
}

void
token_mask_feed(struct token_mask *m, const char *data, size_t len, struct buf *out)
{
	buf_add(&m->window, data, len);
	release(m, matcher_unfinished(&m->prefixes, m->window.data, m->window.len), out);
}

void
token_mask_flush(struct token_mask *m, struct buf *out)
{
	if (m->window.len > 0)
		release(m, m->window.len, out);
}
