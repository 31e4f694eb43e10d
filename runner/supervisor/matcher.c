/* Searching for many strings at once. */
#include "runner/supervisor/matcher.h"

#define MIN_LEN_MAX 32
#define SMALL_BITS 12 /* one page of table for the usual few strings */
#define LARGE_BITS 16
#define SMALL_COUNT 200

void
matcher_add(struct matcher *m, const char *text, size_t len)
{
	if (len < MATCHER_MIN_LEN || len > UINT32_MAX)
		return;
	GROW(m->patterns, m->count, m->cap);
	m->patterns[m->count++] =
	    (struct pattern){ .text = xmemdup(text, len), .len = (uint32_t)len };
}

void
matcher_clear(struct matcher *m)
{
	for (size_t i = 0; i < m->count; i++) {
		explicit_bzero(m->patterns[i].text, m->patterns[i].len);
		free(m->patterns[i].text);
	}
	free(m->patterns);
	free(m->nearness);
	free(m->buckets);
	*m = (struct matcher)MATCHER_INIT;
}

/* ---- compiling ------------------------------------------------------------- */

/* As strings of bytes; a prefix comes before what it begins. */
static int
compare_patterns(const void *a, const void *b)
{
	const struct pattern *p = a, *q = b;
	int order = memcmp(p->text, q->text, p->len < q->len ? p->len : q->len);

	return order != 0 ? order : (p->len > q->len) - (p->len < q->len);
}

static void
remove_doubles(struct matcher *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++) {
		if (kept > 0 &&
		    compare_patterns(&m->patterns[kept - 1], &m->patterns[i]) == 0)
			free(m->patterns[i].text);
		else
			m->patterns[kept++] = m->patterns[i];
	}
	m->count = kept;
}

static uint32_t
hash_pair(const struct matcher *m, const char *at)
{
	uint32_t a = (unsigned char)at[0], b = (unsigned char)at[1];

	return (a << (m->hash_bits - 8)) ^ b;
}

static void
enter_pattern(struct matcher *m, uint32_t index)
{
	struct pattern *p = &m->patterns[index];
	uint32_t bucket;

	for (size_t i = 0; i + 2 <= m->min_len; i++) {
		uint8_t *near = &m->nearness[hash_pair(m, p->text + i)];

		if (*near < i + 1)
			*near = (uint8_t)(i + 1);
	}
	bucket = hash_pair(m, p->text + m->min_len - 2);
	p->next = m->buckets[bucket];
	m->buckets[bucket] = index + 1;
	m->begins[(unsigned char)p->text[0]] = true;
}

void
matcher_compile(struct matcher *m)
{
	if (m->count == 0)
		return;
	qsort(m->patterns, m->count, sizeof(*m->patterns), compare_patterns);
	remove_doubles(m);
	m->min_len = MIN_LEN_MAX;
	for (size_t i = 0; i < m->count; i++) {
		if (m->patterns[i].len < m->min_len)
			m->min_len = m->patterns[i].len;
		if (m->patterns[i].len > m->max_len)
			m->max_len = m->patterns[i].len;
	}
	m->hash_bits = m->count <= SMALL_COUNT ? SMALL_BITS : LARGE_BITS;
	m->nearness = xcalloc((size_t)1 << m->hash_bits, sizeof(*m->nearness));
	m->buckets = xcalloc((size_t)1 << m->hash_bits, sizeof(*m->buckets));
	for (uint32_t i = 0; i < m->count; i++)
		enter_pattern(m, i);
}

/* ---- searching ------------------------------------------------------------- */

/* The longest string that stands at data, or 0. */
static size_t
longest_at(const struct matcher *m, const char *data, size_t len, uint32_t bucket)
{
	size_t longest = 0;

	for (uint32_t i = m->buckets[bucket]; i != 0; i = m->patterns[i - 1].next) {
		const struct pattern *p = &m->patterns[i - 1];

		if (p->len > longest && p->len <= len &&
		    memcmp(p->text, data, p->len) == 0)
			longest = p->len;
	}
	return longest;
}

bool
matcher_find(
    const struct matcher *m, const char *data, size_t len, size_t from, struct match *out)
{
	size_t last = m->min_len - 2; /* where the last pair of a string's head stands */
	size_t at = from + last;

	if (m->count == 0)
		return false;
	while (at + 2 <= len) {
		uint32_t hash = hash_pair(m, data + at);
		size_t near = m->nearness[hash], start = at - last;

		if (near < last + 1) {
			at += last + 1 - near;
			continue;
		}
		out->start = start;
		out->len = longest_at(m, data + start, len - start, hash);
		if (out->len > 0)
			return true;
		at++;
	}
	return false;
}

/* Does a longer string begin with these bytes? */
static bool
is_beginning(const struct matcher *m, const char *data, size_t len)
{
	size_t low = 0, high = m->count;

	while (low < high) { /* the first that sorts after the bytes themselves */
		size_t mid = low + (high - low) / 2;
		const struct pattern *p = &m->patterns[mid];
		int order = memcmp(p->text, data, p->len < len ? p->len : len);

		if (order > 0 || (order == 0 && p->len > len))
			high = mid;
		else
			low = mid + 1;
	}
	return low < m->count && m->patterns[low].len > len &&
	    memcmp(m->patterns[low].text, data, len) == 0;
}

size_t
matcher_unfinished(const struct matcher *m, const char *data, size_t len)
{
	size_t at = len < m->max_len ? 0 : len - m->max_len + 1;

	for (; m->count > 0 && at < len; at++)
		if (m->begins[(unsigned char)data[at]] &&
		    is_beginning(m, data + at, len - at))
			return at;
	return len;
}
