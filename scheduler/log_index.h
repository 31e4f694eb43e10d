/*
 * The index of a log: marks that say how many ends of lines lie before an offset, one
 * every 1,024 lines or 1 MiB, whichever comes first. Each mark proves itself; a missing
 * or damaged one only makes the way to a line longer. The log is the truth.
 */
#ifndef SCHEDULER_LOG_INDEX_H
#define SCHEDULER_LOG_INDEX_H

#include "base/base.h"

enum { LOG_MARK_LINES = 1024, LOG_MARK_BYTES = 1024 * 1024, LOG_MARK_SIZE = 32 };

struct log_mark {
	int64_t offset;
	int64_t lines;   /* ends of lines before offset */
	int64_t time_us; /* when it was received */
	uint32_t crc32;  /* of all before offset */
};

/* In a file: little-endian, the fields in this order and a proof. */
void log_mark_encode(const struct log_mark *mark, unsigned char out[LOG_MARK_SIZE]);
bool log_mark_decode(const unsigned char in[LOG_MARK_SIZE], struct log_mark *out);

/*
 * The last mark below size with fewer lines than that; lines INT64_MAX: the last of all.
 * The start of the log when there is none, or no index (fd below 0). *count: how many
 * marks the file has up to it.
 */
struct log_mark log_index_find(int fd, int64_t lines, int64_t size, int64_t *count);

#endif
