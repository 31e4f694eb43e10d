/* The manifest of a slot. */
#include "runner/snapshot_manifest.h"

#include "base/buf.h"
#include "base/path.h"

#define MAGIC "pawl manifest 1\n"
#define MAX_BYTES ((size_t)2 << 30)
#define TICK_NS 10000000 /* file times advance by ticks of up to 10 ms */

struct header {
	char magic[16];
	int64_t taken_ns;
	uint64_t count;
};

struct record {
	uint64_t ino;
	int64_t size, mtime_ns, ctime_ns;
	uint32_t mode, path_len; /* the path follows, with its NUL */
};

void
manifest_clear(struct manifest *m)
{
	for (size_t i = 0; i < m->name_count; i++)
		free(m->names[i]);
	free(m->names);
	free(m->entries);
	free(m->text);
	*m = (struct manifest)MANIFEST_INIT;
}

static int64_t
to_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

void
manifest_set(struct manifest_entry *e, const struct stat *st)
{
	e->ino = st->st_ino;
	e->size = st->st_size;
	e->mtime_ns = to_ns(&st->st_mtim);
	e->ctime_ns = to_ns(&st->st_ctim);
	e->mode = st->st_mode;
}

void
manifest_add_take(struct manifest *m, char *path, const struct stat *st)
{
	GROW(m->names, m->name_count, m->name_cap);
	m->names[m->name_count++] = path;
	GROW(m->entries, m->count, m->cap);
	m->entries[m->count] = (struct manifest_entry){ .path = path };
	manifest_set(&m->entries[m->count++], st);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct manifest_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void
manifest_sort(struct manifest *m)
{
	if (m->count > 1)
		qsort(m->entries, m->count, sizeof(*m->entries), compare_entries);
}

/* One record at *pos; false when it does not fit what is left, or breaks the order. */
static bool
read_entry(struct manifest *m, const char **pos, const char *end)
{
	struct record r;
	const char *path = *pos + sizeof(r);

	if ((size_t)(end - *pos) < sizeof(r))
		return false;
	memcpy(&r, *pos, sizeof(r));
	if ((size_t)(end - path) <= r.path_len || path[r.path_len] != '\0' ||
	    strlen(path) != r.path_len ||
	    (m->count > 0 && strcmp(m->entries[m->count - 1].path, path) >= 0))
		return false;
	*pos = path + r.path_len + 1;
	m->entries[m->count++] = (struct manifest_entry){ .path = path,
		.ino = r.ino,
		.size = r.size,
		.mtime_ns = r.mtime_ns,
		.ctime_ns = r.ctime_ns,
		.mode = r.mode };
	return true;
}

static bool
parse(struct manifest *m, const char *text, size_t len)
{
	const char *pos = text + sizeof(struct header), *end = text + len;
	struct header h;

	if (len < sizeof(h))
		return false;
	memcpy(&h, text, sizeof(h));
	if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 ||
	    h.count > len / sizeof(struct record))
		return false;
	m->taken_ns = h.taken_ns;
	m->cap = (size_t)h.count + 1;
	m->entries = xreallocarray(NULL, m->cap, sizeof(*m->entries));
	while (m->count < h.count)
		if (!read_entry(m, &pos, end))
			return false;
	return pos == end;
}

void
manifest_read(struct manifest *m, const char *file)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (buf_read_file(&text, file, MAX_BYTES, &ignored) < 0 || text.len == 0)
		return;
	m->text = xmemdup(text.data, text.len);
	if (!parse(m, m->text, text.len))
		manifest_clear(m);
}

int
manifest_write(const struct manifest *m, const char *file, struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct header h = { .taken_ns = m->taken_ns, .count = m->count };

	memcpy(h.magic, MAGIC, sizeof(h.magic));
	buf_add(&out, &h, sizeof(h));
	for (size_t i = 0; i < m->count; i++) {
		const struct manifest_entry *e = &m->entries[i];
		struct record r = { e->ino, e->size, e->mtime_ns, e->ctime_ns, e->mode,
			(uint32_t)strlen(e->path) };

		buf_add(&out, &r, sizeof(r));
		buf_add(&out, e->path, r.path_len + 1);
	}
	return path_write_file(file, out.data, out.len, 0600, err);
}

bool
manifest_is_current(const struct manifest *m, const struct manifest_entry *old,
    const struct manifest_entry *now)
{
	if (S_ISDIR(old->mode) && S_ISDIR(now->mode))
		return true; /* an empty one; its times do not matter */
	return old->ino == now->ino && old->size == now->size &&
	    old->mtime_ns == now->mtime_ns && old->ctime_ns == now->ctime_ns &&
	    old->mode == now->mode && old->ctime_ns < m->taken_ns - TICK_NS;
}
