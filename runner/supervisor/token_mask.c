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
token_mask_clear(struct token_mask *m)
{
	buf_clear(&m->window);
	*m = (struct token_mask)TOKEN_MASK_INIT;
}

/* ---- where a prefix begins ------------------------------------------------- */

/* By its first two bytes. Changes with the table above. */
static bool
may_begin(char first, char second)
{
	return (first == 'g' && second == 'l') || (first == '_' && second == 'g') ||
	    first == '?' || first == '&';
}

typedef unsigned char block __attribute__((vector_size(16)));

/*
 * The same for 16 places at once. Hardly any place of a log may begin a prefix, and every
 * byte of every log comes by here: 12 ms for 100 MB, where the matcher takes 90.
 */
static bool
block_may_begin(const char *data)
{
	block first, second, hit;
	uint64_t words[sizeof(block) / sizeof(uint64_t)];

	memcpy(&first, data, sizeof(first));
	memcpy(&second, data + 1, sizeof(second));
	hit = (block)(((first == 'g') & (second == 'l')) |
	    ((first == '_') & (second == 'g')) | (first == '?') | (first == '&'));
	memcpy(words, &hit, sizeof(words));
	return (words[0] | words[1]) != 0;
}

/* The first place from at on where a prefix may begin; len: nowhere. */
static size_t
find_start(const char *data, size_t len, size_t at)
{
	while (at < len) {
		while (at + sizeof(block) < len && !block_may_begin(data + at))
			at += sizeof(block);
		for (size_t n = 0; n < sizeof(block) && at < len; n++, at++)
			/* the last byte has no second yet */
			if (at + 1 == len ? strchr("g_?&", data[at]) != NULL
					  : may_begin(data[at], data[at + 1]))
				return at;
	}
	return len;
}

enum begin { BEGIN_NONE, BEGIN_WHOLE, BEGIN_PART };

/* Whether a prefix stands at data, how long it is, or that it may go on behind the end.
 */
static enum begin
look_at(const char *data, size_t len, size_t *prefix_len)
{
	enum begin found = BEGIN_NONE;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (memcmp(prefixes[i], data, n < len ? n : len) != 0)
			continue;
		*prefix_len = n;
		if (n <= len)
			return BEGIN_WHOLE;
		found = BEGIN_PART;
	}
	return found;
}

/* ---- what follows it ------------------------------------------------------- */

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

/* is_end: nothing follows, so what may be a prefix is none. */
static void
release(struct token_mask *m, bool is_end, struct buf *out)
{
	const char *data = m->window.data;
	size_t len = m->window.len, shown = hide_tail(m, 0, out), at = shown, n = 0;

	while ((at = find_start(data, len, at)) < len) {
		enum begin begin = look_at(data + at, len - at, &n);

		if (begin == BEGIN_PART && !is_end)
			break;
		if (begin != BEGIN_WHOLE) {
			at++;
			continue;
		}
		buf_add(out, data + shown, at + n - shown);
		m->tail = strchr("?&", data[at]) != NULL ? TOKEN_PARAMETER : TOKEN_WORD;
		m->is_shown = false;
		shown = at = hide_tail(m, at + n, out);
	}
	buf_add(out, data + shown, at - shown);
	buf_remove_front(&m->window, at);
}

void
token_mask_feed(struct token_mask *m, const char *data, size_t len, struct buf *out)
{
	buf_add(&m->window, data, len);
	release(m, false, out);
}

void
token_mask_flush(struct token_mask *m, struct buf *out)
{
	if (m->window.len > 0)
		release(m, true, out);
}
