/* Seekable frames, written and read; the one file that knows libzstd. */
#include "scheduler/log_frames.h"

#include <endian.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/path.h"

#define SKIPPABLE_MAGIC UINT32_C(0x184D2A5E)
#define SEEKABLE_MAGIC UINT32_C(0x8F92EAB1)

enum {
	LEVEL = 3,
	HEADER_BYTES = 8, /* of a skippable frame: magic, length */
	FOOTER_BYTES = 9, /* number of frames, descriptor, magic */
	ENTRY_BYTES = 8,  /* compressed and decompressed size */
	CHECKED_ENTRY_BYTES = 12,
	DESCRIPTOR_CHECKED = 0x80, /* entries have a checksum */
	DESCRIPTOR_RESERVED = 0x7c,
};

static uint32_t
get32(const unsigned char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return le32toh(n);
}

static void
add32(struct buf *b, uint32_t n)
{
	n = htole32(n);
	buf_add(b, &n, sizeof(n));
}

/* ---- writing --------------------------------------------------------------- */

struct writer {
	ZSTD_CCtx *z;
	char *in, *out;
	size_t out_size;
	struct buf table;
	uint32_t frames;
};

static void
clear_writer(struct writer *w)
{
	ZSTD_freeCCtx(w->z);
	free(w->in);
	free(w->out);
	buf_clear(&w->table);
}

/* As much as is there, up to len. */
static ssize_t
read_full(int fd, char *data, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, data + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static int
of_the_disk(struct error *err, const char *what)
{
	(void)error_errno(err, "%s", what);
	return err->code = ERR_ENVIRONMENT;
}

static int
write_frame(struct writer *w, int to, size_t len, struct error *err)
{
	size_t size = ZSTD_compress2(w->z, w->out, w->out_size, w->in, len);

	if (ZSTD_isError(size))
		return error_set(err, ERR_FOREIGN, "zstd: %s", ZSTD_getErrorName(size));
	if (path_write_fd(to, w->out, size) < 0)
		return of_the_disk(err, "cannot write");
	add32(&w->table, (uint32_t)size);
	add32(&w->table, (uint32_t)len);
	w->frames++;
	return 0;
}

static int
write_table(struct writer *w, int to, struct error *err)
{
	cleanup_buf struct buf all = BUF_INIT;

	add32(&all, SKIPPABLE_MAGIC);
	add32(&all, (uint32_t)(w->table.len + FOOTER_BYTES));
	buf_add(&all, buf_str(&w->table), w->table.len);
	add32(&all, w->frames);
	buf_add_char(&all, 0);
	add32(&all, SEEKABLE_MAGIC);
	return path_write_fd(to, all.data, all.len) < 0 ? of_the_disk(err, "cannot write")
							: 0;
}

int
log_frames_write(int from, int to, int64_t *size, struct error *err)
{
	__attribute__((cleanup(clear_writer))) struct writer w = {
		.z = ZSTD_createCCtx(),
		.in = xmalloc(LOG_FRAME_BYTES),
		.out_size = ZSTD_compressBound(LOG_FRAME_BYTES),
	};
	int64_t total = 0;
	ssize_t len;

	if (w.z == NULL)
		abort(); /* no memory */
	w.out = xmalloc(w.out_size);
	(void)ZSTD_CCtx_setParameter(w.z, ZSTD_c_compressionLevel, LEVEL);
	(void)ZSTD_CCtx_setParameter(w.z, ZSTD_c_checksumFlag, 1);
	while ((len = read_full(from, w.in, LOG_FRAME_BYTES)) > 0) {
		if (write_frame(&w, to, (size_t)len, err) < 0)
			return err->code;
		total += len;
	}
	if (len < 0)
		return of_the_disk(err, "cannot read");
	if (write_table(&w, to, err) < 0)
		return err->code;
	*size = total;
	return 0;
}

/* ---- reading --------------------------------------------------------------- */

struct frame {
	int64_t from, packed_from; /* offsets, decompressed and in the file */
};

struct log_frames {
	int fd;
	struct frame *list; /* count of them, and the end */
	size_t count;
	ZSTD_DCtx *z;
	char *content; /* of the frame held; NULL: none was read */
	size_t held;
};

static int
damaged(struct error *err, const char *what)
{
	return error_set(err, ERR_INVALID, "the compressed log is damaged: %s", what);
}

static int
read_at(int fd, void *data, size_t len, int64_t offset, struct error *err)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n =
		    pread(fd, (char *)data + got, len - got, offset + (int64_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return of_the_disk(err, "cannot read the compressed log");
		if (n == 0)
			return damaged(err, "it is cut short");
		got += (size_t)n;
	}
	return 0;
}

/* Sizes of strangers: every frame has to fit into the file and into our memory. */
static int
fill_list(struct log_frames *f, const unsigned char *table, size_t entry, int64_t end,
    struct error *err)
{
	struct frame at = { .from = 0 };

	for (size_t i = 0; i < f->count; i++, table += entry) {
		uint32_t packed = get32(table), plain = get32(table + 4);

		f->list[i] = at;
		if (plain == 0 || plain > LOG_FRAME_BYTES ||
		    packed > ZSTD_compressBound(LOG_FRAME_BYTES))
			return damaged(err, "a frame has an impossible size");
		at.from += plain;
		at.packed_from += packed;
	}
	f->list[f->count] = at;
	return at.packed_from == end ? 0 : damaged(err, "its table is of another file");
}

static int
read_table(struct log_frames *f, struct error *err)
{
	unsigned char footer[FOOTER_BYTES], header[HEADER_BYTES];
	cleanup_free unsigned char *table = NULL;
	size_t entry, len;
	struct stat st;
	int64_t start;

	if (fstat(f->fd, &st) < 0)
		return of_the_disk(err, "cannot read the compressed log");
	if (st.st_size < HEADER_BYTES + FOOTER_BYTES)
		return damaged(err, "it is cut short");
	if (read_at(f->fd, footer, FOOTER_BYTES, st.st_size - FOOTER_BYTES, err) < 0)
		return err->code;
	if (get32(footer + 5) != SEEKABLE_MAGIC || (footer[4] & DESCRIPTOR_RESERVED) != 0)
		return damaged(err, "it has no table of frames");
	entry = (footer[4] & DESCRIPTOR_CHECKED) != 0 ? CHECKED_ENTRY_BYTES : ENTRY_BYTES;
	f->count = get32(footer);
	len = f->count * entry;
	start = st.st_size - FOOTER_BYTES - (int64_t)len - HEADER_BYTES;
	if (start < 0)
		return damaged(err, "its table is longer than the file");
	if (read_at(f->fd, header, HEADER_BYTES, start, err) < 0)
		return err->code;
	if (get32(header) != SKIPPABLE_MAGIC || get32(header + 4) != len + FOOTER_BYTES)
		return damaged(err, "it has no table of frames");
	table = xmalloc(len + 1);
	f->list = xcalloc(f->count + 1, sizeof(*f->list));
	if (read_at(f->fd, table, len, start + HEADER_BYTES, err) < 0)
		return err->code;
	return fill_list(f, table, entry, start, err);
}

int
log_frames_open(int fd, struct log_frames **out, struct error *err)
{
	struct log_frames *f = xcalloc(1, sizeof(*f));

	f->fd = fd;
	if (read_table(f, err) < 0) {
		log_frames_close(f);
		return err->code;
	}
	*out = f;
	return 0;
}

void
log_frames_close(struct log_frames *f)
{
	if (f == NULL)
		return;
	ZSTD_freeDCtx(f->z);
	free(f->content);
	free(f->list);
	close(f->fd);
	free(f);
}

int64_t
log_frames_size(const struct log_frames *f)
{
	return f->list[f->count].from;
}

/* The frame that has offset, which lies in the log. */
static size_t
find_frame(const struct log_frames *f, int64_t offset)
{
	size_t low = 0, high = f->count;

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (f->list[middle].from <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int
hold_frame(struct log_frames *f, size_t i, struct error *err)
{
	size_t packed_len = (size_t)(f->list[i + 1].packed_from - f->list[i].packed_from);
	size_t len = (size_t)(f->list[i + 1].from - f->list[i].from), got;
	cleanup_free char *packed = NULL;

	if (f->content != NULL && f->held == i)
		return 0;
	if (f->z == NULL)
		f->z = ZSTD_createDCtx();
	packed = xmalloc(packed_len + 1);
	if (f->z == NULL)
		abort(); /* no memory */
	if (read_at(f->fd, packed, packed_len, f->list[i].packed_from, err) < 0)
		return err->code;
	free(f->content);
	f->content = xmalloc(len);
	got = ZSTD_decompressDCtx(f->z, f->content, len, packed, packed_len);
	if (!ZSTD_isError(got) && got == len) {
		f->held = i;
		return 0;
	}
	free(take(f->content));
	return damaged(
	    err, ZSTD_isError(got) ? ZSTD_getErrorName(got) : "a frame is too short");
}

int
log_frames_read(struct log_frames *f, int64_t offset, void *data, size_t len, size_t *got,
    struct error *err)
{
	size_t done = 0;

	while (done < len && offset >= 0 && offset < log_frames_size(f)) {
		size_t i = find_frame(f, offset), n;

		if (hold_frame(f, i, err) < 0)
			return err->code;
		n = (size_t)(f->list[i + 1].from - offset);
		if (n > len - done)
			n = len - done;
		memcpy((char *)data + done, f->content + (offset - f->list[i].from), n);
		done += n;
		offset += (int64_t)n;
	}
	*got = done;
	return 0;
}
