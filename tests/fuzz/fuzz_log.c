/*
 * Damaged logs. The first byte chooses: a stranger's compressed file and index as they
 * are, or sound ones of which some bytes are changed, as the second half of the input
 * says. Whatever is read must stay within the log.
 */
#include "base/buf.h"
#include "scheduler/log_frames.h"
#include "scheduler/log_index.h"
#include "scheduler/log_internal.h"
#include "tests/fuzz/file_of.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
packed_of(const void *data, size_t len)
{
	cleanup_close int plain = file_of(data, len);
	int fd = file_of("", 0);
	int64_t size;

	if (log_frames_write(plain, fd, &size, NULL) < 0 || size != (int64_t)len)
		abort();
	return fd;
}

/* Three bytes each: where, from the end, and what to flip. */
static void
flip(int fd, const uint8_t *edits, size_t len)
{
	off_t size = lseek(fd, 0, SEEK_END);

	for (; len >= 3; edits += 3, len -= 3) {
		off_t at = size - 1 - (edits[0] | edits[1] << 8) % (size + 1);
		uint8_t byte;

		if (at < 0 || pread(fd, &byte, 1, at) != 1)
			continue;
		byte ^= edits[2];
		if (pwrite(fd, &byte, 1, at) != 1)
			abort();
	}
}

static void
read_all(struct log_reader *r, int64_t size)
{
	static const int64_t lines[] = { 0, 1, 2, 1000, INT64_MAX };
	struct log_range range;
	struct error err = ERROR_INIT;
	char got[4096];
	int64_t count, at = 0;
	size_t len;

	while (log_reader_read(r, at, got, sizeof(got), &len, &err) == 0 && len > 0)
		at += (int64_t)len;
	if (at > size)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (log_reader_find_lines(r, lines[i], 2, &range, &err) == 0 &&
		    (range.offset < 0 || range.len < 0 ||
			range.offset + range.len > size))
			abort();
	if (log_reader_count_lines(r, &count, &err) == 0 && (count < 0 || count > size))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_log_reader struct log_reader *r = NULL;
	struct error err = ERROR_INIT;
	size_t half = size / 2;
	bool sound = size > 0 && (data[0] & 1) != 0, packed = size > 0 && data[0] < 128;
	int log, index;
	int64_t length;

	if (size < 4)
		return 0;
	log = sound && packed ? packed_of(data + 1, half) : file_of(data + 1, half);
	index = file_of(data + half, size - half);
	if (sound)
		flip(log, data + half, size - half);
	if (log_reader_from_files(log, packed, index, &r, &err) == 0 &&
	    log_reader_size(r, &length, &err) == 0)
		read_all(r, length);
	return 0;
}
