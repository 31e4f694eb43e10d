/* Slugs of refs, jobs, projects and environments. */
#include "pipelines/slug.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"

#define ENVIRONMENT_MAX 24
#define ENVIRONMENT_CUT 17
#define SUFFIX_LEN 6

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* GitLab lower-cases by Unicode, but what then is not ASCII becomes "-" all the same;
 * one "-" for a character, not for a byte. */
static void
add_plain(struct buf *out, const char *name)
{
	for (; *name != '\0'; name++) {
		char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;

		if (((unsigned char)c & 0xc0) != 0x80)
			buf_add_char(out, is_plain(c) ? c : '-');
	}
}

const char *
slug_make(const char *name, char out[SLUG_MAX])
{
	cleanup_buf struct buf plain = BUF_INIT;
	const char *start;
	size_t len;

	add_plain(&plain, name);
	start = buf_str(&plain);
	len = strnlen(start, SLUG_MAX - 1);
	while (len > 0 && *start == '-') { /* after the cut, as GitLab does it */
		start++;
		len--;
	}
	while (len > 0 && start[len - 1] == '-')
		len--;
	memcpy(out, start, len);
	out[len] = '\0';
	return out;
}

/* The last six digits in base 36 of the SHA-256 taken as one number. */
static void
add_suffix(struct buf *out, const char *name)
{
	unsigned char digest[HASH_SHA256_BYTES];
	char digits[SUFFIX_LEN + 1] = "";
	struct hash h;

	hash_init(&h);
	hash_add(&h, name, strlen(name));
	hash_end(&h, digest);
	for (size_t i = SUFFIX_LEN; i > 0; i--) {
		unsigned rest = 0;

		for (size_t byte = 0; byte < sizeof(digest); byte++) {
			rest = rest << 8 | digest[byte];
			digest[byte] = (unsigned char)(rest / 36);
			rest %= 36;
		}
		digits[i - 1] = "0123456789abcdefghijklmnopqrstuvwxyz"[rest];
	}
	buf_add_str(out, digits);
}

static void
squeeze_dashes(struct buf *b)
{
	size_t len = 0;

	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != '-' || len == 0 || b->data[len - 1] != '-')
			b->data[len++] = b->data[i];
	b->len = len;
	b->data[len] = '\0';
}

static void
cut(struct buf *b, size_t len)
{
	if (b->len > len) {
		b->len = len;
		b->data[len] = '\0';
	}
}

const char *
slug_make_environment(const char *name, char out[SLUG_ENVIRONMENT_MAX])
{
	cleanup_buf struct buf slug = BUF_INIT;

	add_plain(&slug, name);
	if (slug.len == 0 || slug.data[0] < 'a' || slug.data[0] > 'z') {
		buf_reset(&slug);
		buf_add_str(&slug, "env-");
		add_plain(&slug, name);
	}
	squeeze_dashes(&slug);
	if (slug.len > ENVIRONMENT_MAX || !str_eq(buf_str(&slug), name)) {
		cut(&slug, ENVIRONMENT_CUT);
		if (slug.data[slug.len - 1] != '-')
			buf_add_char(&slug, '-');
		add_suffix(&slug, name);
	} else if (slug.data[slug.len - 1] == '-')
		cut(&slug, slug.len - 1);
	memcpy(out, slug.data, slug.len + 1);
	return out;
}
