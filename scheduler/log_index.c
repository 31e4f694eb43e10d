/* Marks in a file, found by halving; pread, so that any thread may. */
#include "scheduler/log_index.h"

#include <endian.h>
#include <sys/stat.h>
#include <unistd.h>

/* Distinguishes a mark from zeroes, and from what another version writes. */
static const uint32_t proof_of_mark = 0x70776c31;

struct stored_mark {
	uint64_t offset, lines, time_us;
	uint32_t crc32, proof;
};
_Static_assert(sizeof(struct stored_mark) == LOG_MARK_SIZE, "a mark has 32 bytes");

static uint32_t
fold(uint64_t n)
{
	return (uint32_t)(n ^ (n >> 32)) * UINT32_C(2654435761);
}

static uint32_t
make_proof(const struct log_mark *m)
{
	uint32_t proof = proof_of_mark;

	proof = (proof ^ fold((uint64_t)m->offset)) * UINT32_C(16777619);
	proof = (proof ^ fold((uint64_t)m->lines)) * UINT32_C(16777619);
	proof = (proof ^ fold((uint64_t)m->time_us)) * UINT32_C(16777619);
	return (proof ^ m->crc32) * UINT32_C(16777619);
}

void
log_mark_encode(const struct log_mark *mark, unsigned char out[LOG_MARK_SIZE])
{
	struct stored_mark s = {
		.offset = htole64((uint64_t)mark->offset),
		.lines = htole64((uint64_t)mark->lines),
		.time_us = htole64((uint64_t)mark->time_us),
		.crc32 = htole32(mark->crc32),
		.proof = htole32(make_proof(mark)),
	};

	memcpy(out, &s, sizeof(s));
}

bool
log_mark_decode(const unsigned char in[LOG_MARK_SIZE], struct log_mark *out)
{
	struct stored_mark s;

	memcpy(&s, in, sizeof(s));
	*out = (struct log_mark){
		.offset = (int64_t)le64toh(s.offset),
		.lines = (int64_t)le64toh(s.lines),
		.time_us = (int64_t)le64toh(s.time_us),
		.crc32 = le32toh(s.crc32),
	};
	return le32toh(s.proof) == make_proof(out) && out->offset >= 0 &&
	    out->lines >= 0 && out->lines <= out->offset;
}

static bool
read_mark(int fd, int64_t i, struct log_mark *out)
{
	unsigned char bytes[LOG_MARK_SIZE];

	return pread(fd, bytes, sizeof(bytes), i * LOG_MARK_SIZE) == LOG_MARK_SIZE &&
	    log_mark_decode(bytes, out);
}

struct log_mark
log_index_find(int fd, int64_t lines, int64_t size, int64_t *count)
{
	struct log_mark best = { .offset = 0 }, mark;
	int64_t low = 0, high = 0; /* marks below low fit, from high on they do not */
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		high = st.st_size / LOG_MARK_SIZE;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;

		if (read_mark(fd, middle, &mark) && mark.lines < lines &&
		    mark.offset <= size) {
			best = mark;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	*count = low;
	return best;
}
