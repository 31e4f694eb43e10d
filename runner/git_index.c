/* The index: a header, entries in the order of their names, a check sum. */
#include "runner/git_index.h"

#include "base/hash.h"
#include "base/path.h"
#include "base/sha1.h"

#define MAX_BYTES ((size_t)2 << 30)
#define HEADER 12
#define STAT_BYTES 40 /* of an entry, before the object's name */
#define FLAG_EXTENDED 0x4000
#define NAME_MASK 0xfff

static uint32_t
read_u32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static void
add_u32(struct buf *b, uint32_t n)
{
	const unsigned char bytes[4] = { (unsigned char)(n >> 24),
		(unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n };

	buf_add(b, bytes, sizeof(bytes));
}

/* An entry is filled with 1 to 8 NULs up to a multiple of 8. */
static size_t
padded(size_t len)
{
	return (len + 8) & ~(size_t)7;
}

void
git_index_clear(struct git_index *index)
{
	buf_clear(&index->text);
	*index = (struct git_index){ .text = BUF_INIT };
}

/* The entry at `at`, false when it does not fit what is left. */
static bool
parse_entry(const struct git_index *ix, size_t at, struct git_index_entry *out)
{
	const char *p = ix->text.data + at;
	size_t fixed = STAT_BYTES + ix->hash_len + 2,
	       left = ix->text.len - ix->hash_len - at, len;

	if (left < fixed + 2) /* a name of one byte and its NUL */
		return false;
	if ((read_u32(p + fixed - 4) & FLAG_EXTENDED) != 0)
		fixed += 2;
	if (left < fixed + 2)
		return false;
	len = strnlen(p + fixed, left - fixed);
	if (len == 0 || padded(fixed + len) > left)
		return false;
	*out = (struct git_index_entry){ .name = p + fixed,
		.mode = read_u32(p + 24),
		.mtime_ns = (int64_t)read_u32(p + 8) * 1000000000 + read_u32(p + 12),
		.size = read_u32(p + 36),
		.id = (const unsigned char *)p + STAT_BYTES,
		.raw = p,
		.raw_len = padded(fixed + len) };
	return true;
}

bool
git_index_next(const struct git_index *index, size_t *at, struct git_index_entry *out)
{
	if (*at == 0)
		*at = HEADER;
	if (*at >= index->end || !parse_entry(index, *at, out))
		return false;
	*at += out->raw_len;
	return true;
}

static bool
parse(struct git_index *ix)
{
	struct git_index_entry e;
	size_t at = HEADER;

	if (ix->text.len < HEADER + ix->hash_len || memcmp(ix->text.data, "DIRC", 4) != 0)
		return false;
	ix->version = read_u32(ix->text.data + 4);
	ix->count = read_u32(ix->text.data + 8);
	if (ix->version != 2 && ix->version != 3)
		return false;
	for (size_t i = 0; i < ix->count; i++) {
		if (!parse_entry(ix, at, &e))
			return false;
		at += e.raw_len;
	}
	ix->end = at;
	return true;
}

int
git_index_read(
    const char *file, size_t hash_len, struct git_index *out, struct error *err)
{
	struct git_index ix = { .text = BUF_INIT, .hash_len = hash_len };
	int rc = buf_read_file(&ix.text, file, MAX_BYTES, err);

	if (rc == 0 && !parse(&ix))
		rc = error_set(
		    err, ERR_INVALID, "%s is no index of git that is known", file);
	if (rc < 0)
		git_index_clear(&ix);
	else
		*out = ix;
	return rc;
}

/* ---- writing --------------------------------------------------------------- */

static void
begin(struct buf *b, uint32_t version, size_t count)
{
	buf_add(b, "DIRC", 4);
	add_u32(b, version);
	add_u32(b, (uint32_t)count);
}

static int
end(struct buf *b, size_t hash_len, const char *file, struct error *err)
{
	unsigned char sum[GIT_INDEX_HASH_MAX];

	if (hash_len == SHA1_BYTES) {
		sha1(b->data, b->len, sum);
	} else {
		struct hash h;

		hash_init(&h);
		hash_add(&h, b->data, b->len);
		hash_end(&h, sum);
	}
	buf_add(b, sum, hash_len);
	return path_write_file(file, b->data, b->len, 0666, err);
}

static void
add_want(struct buf *b, const struct git_index_want *w, size_t hash_len)
{
	static const char zeros[STAT_BYTES];
	size_t len = strlen(w->name), fixed = STAT_BYTES + hash_len + 2;
	size_t flags = len < NAME_MASK ? len : NAME_MASK;
	const unsigned char bytes[2] = { (unsigned char)(flags >> 8),
		(unsigned char)flags };

	buf_add(b, zeros, 24);
	add_u32(b, w->mode);
	buf_add(b, zeros, STAT_BYTES - 28);
	buf_add(b, w->id, hash_len);
	buf_add(b, bytes, sizeof(bytes));
	buf_add(b, w->name, len);
	buf_add(b, zeros, padded(fixed + len) - fixed - len);
}

int
git_index_write(const struct git_index_want *wants, size_t count, size_t hash_len,
    const char *file, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	begin(&text, 2, count);
	for (size_t i = 0; i < count; i++)
		add_want(&text, &wants[i], hash_len);
	return end(&text, hash_len, file, err);
}

/* The old entries from here on that nothing changes, as one piece. */
struct patching {
	struct buf out;
	const struct git_index *fresh;
	size_t fresh_at, gone_at, count;
	struct git_index_entry next;
	bool has_next;
};

static void
next_fresh(struct patching *p)
{
	p->has_next = git_index_next(p->fresh, &p->fresh_at, &p->next);
}

static void
add_fresh(struct patching *p)
{
	buf_add(&p->out, p->next.raw, p->next.raw_len);
	p->count++;
	next_fresh(p);
}

static bool
is_gone(struct patching *p, const struct strlist *gone, const char *name)
{
	while (p->gone_at < gone->count && strcmp(gone->items[p->gone_at], name) < 0)
		p->gone_at++;
	return p->gone_at < gone->count && str_eq(gone->items[p->gone_at], name);
}

static void
merge(struct patching *p, const struct git_index *old, const struct strlist *gone)
{
	const char *run = old->text.data + HEADER; /* of entries that stay */
	struct git_index_entry e;
	size_t at = 0;

	while (git_index_next(old, &at, &e)) {
		int order = p->has_next ? strcmp(p->next.name, e.name) : 1;
		bool goes = is_gone(p, gone, e.name);

		if (order > 0 && !goes) {
			p->count++;
			continue;
		}
		buf_add(&p->out, run, (size_t)(e.raw - run));
		for (; p->has_next && order < 0;
		     order = p->has_next ? strcmp(p->next.name, e.name) : 1)
			add_fresh(p);
		run = e.raw;
		if (order == 0)
			add_fresh(p);
		if (order == 0 || goes)
			run += e.raw_len;
		else
			p->count++;
	}
	buf_add(&p->out, run, (size_t)(old->text.data + old->end - run));
	while (p->has_next)
		add_fresh(p);
}

int
git_index_patch(const struct git_index *old, const struct git_index *fresh,
    const struct strlist *gone, const char *file, struct error *err)
{
	struct patching p = { .out = BUF_INIT, .fresh = fresh };
	uint32_t version = old->version > fresh->version ? old->version : fresh->version;
	unsigned char count[4];
	int rc;

	buf_reserve(&p.out, old->text.len + fresh->text.len);
	begin(&p.out, version, 0);
	next_fresh(&p);
	merge(&p, old, gone);
	for (size_t i = 0; i < 4; i++)
		count[i] = (unsigned char)(p.count >> (24 - 8 * i));
	memcpy(p.out.data + 8, count, sizeof(count));
	rc = end(&p.out, old->hash_len, file, err);
	buf_clear(&p.out);
	return rc;
}
