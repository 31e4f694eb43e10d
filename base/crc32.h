/* CRC-32 as zip, gzip and Ethernet use it (IEEE 802.3), computed piece by piece. */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include "base/base.h"

/* Tables for eight bytes at a time: about 2 GB/s, and 4 microseconds to fill. */
struct crc32 {
	uint32_t table[8][256];
	uint32_t state;
};

void crc32_init(struct crc32 *crc);
void crc32_add(struct crc32 *crc, const void *data, size_t len);
uint32_t crc32_value(const struct crc32 *crc); /* of all added so far */
/* Goes on behind bytes whose value was that, 0 for none. */
void crc32_resume(struct crc32 *crc, uint32_t value);

#endif
