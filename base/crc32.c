/* CRC-32 by slicing: eight table look-ups per eight bytes. */
#include "base/crc32.h"

#include <endian.h>

void
crc32_init(struct crc32 *crc)
{
	crc->state = 0xffffffffu;
	for (uint32_t n = 0; n < 256; n++) {
		uint32_t c = n;

		for (int bit = 0; bit < 8; bit++)
			c = (c & 1) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
		crc->table[0][n] = c;
	}
	for (size_t slice = 1; slice < 8; slice++) {
		for (size_t n = 0; n < 256; n++) {
			uint32_t c = crc->table[slice - 1][n];

			crc->table[slice][n] = crc->table[0][c & 0xff] ^ (c >> 8);
		}
	}
}

static uint32_t
load32(const unsigned char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return le32toh(word);
}

void
crc32_add(struct crc32 *crc, const void *data, size_t len)
{
	const uint32_t(*t)[256] = (const uint32_t(*)[256])crc->table;
	const unsigned char *p = data;
	uint32_t c = crc->state;

	for (; len >= 8; p += 8, len -= 8) {
		uint32_t low = load32(p) ^ c, high = load32(p + 4);

		c = t[7][low & 0xff] ^ t[6][low >> 8 & 0xff] ^ t[5][low >> 16 & 0xff] ^
		    t[4][low >> 24] ^ t[3][high & 0xff] ^ t[2][high >> 8 & 0xff] ^
		    t[1][high >> 16 & 0xff] ^ t[0][high >> 24];
	}
	for (; len > 0; p++, len--)
		c = t[0][(c ^ *p) & 0xff] ^ (c >> 8);
	crc->state = c;
}

uint32_t
crc32_value(const struct crc32 *crc)
{
	return crc->state ^ 0xffffffffu;
}

void
crc32_resume(struct crc32 *crc, uint32_t value)
{
	crc->state = value ^ 0xffffffffu;
}
