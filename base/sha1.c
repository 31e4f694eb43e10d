/* SHA-1 of what is in memory. */
#include "base/sha1.h"

#define BLOCK 64

static uint32_t
rotate(uint32_t x, unsigned by)
{
	return x << by | x >> (32 - by);
}

static uint32_t
read_word(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t
choose(uint32_t b, uint32_t c, uint32_t d)
{
	return (d ^ (b & (c ^ d))) + 0x5a827999;
}

static inline uint32_t
parity(uint32_t b, uint32_t c, uint32_t d)
{
	return (b ^ c ^ d) + 0x6ed9eba1;
}

static inline uint32_t
majority(uint32_t b, uint32_t c, uint32_t d)
{
	return ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
}

static inline uint32_t
parity_again(uint32_t b, uint32_t c, uint32_t d)
{
	return (b ^ c ^ d) + 0xca62c1d6;
}

static inline void
step(uint32_t a, uint32_t *b, uint32_t mixed, uint32_t *e, uint32_t word)
{
	*e += rotate(a, 5) + mixed + word;
	*b = rotate(*b, 30);
}

/* The five words change their roles instead of their places. */
#define FIVE_STEPS(mix, w)                                                               \
	do {                                                                             \
		step(a, &b, mix(b, c, d), &e, (w)[0]);                                   \
		step(e, &a, mix(a, b, c), &d, (w)[1]);                                   \
		step(d, &e, mix(e, a, b), &c, (w)[2]);                                   \
		step(c, &d, mix(d, e, a), &b, (w)[3]);                                   \
		step(b, &c, mix(c, d, e), &a, (w)[4]);                                   \
	} while (0)

static void
add_block(uint32_t h[5], const unsigned char *block)
{
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], w[80];
	size_t t;

	for (t = 0; t < 16; t++)
		w[t] = read_word(block + 4 * t);
	for (; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (t = 0; t < 20; t += 5)
		FIVE_STEPS(choose, w + t);
	for (; t < 40; t += 5)
		FIVE_STEPS(parity, w + t);
	for (; t < 60; t += 5)
		FIVE_STEPS(majority, w + t);
	for (; t < 80; t += 5)
		FIVE_STEPS(parity_again, w + t);
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void
sha1(const void *data, size_t len, unsigned char out[SHA1_BYTES])
{
	uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	unsigned char end[2 * BLOCK] = { 0 };
	const unsigned char *p = data;
	size_t left = len, end_len;

	for (; left >= BLOCK; left -= BLOCK, p += BLOCK)
		add_block(h, p);
	if (left > 0)
		memcpy(end, p, left);
	end[left] = 0x80;
	end_len = left < BLOCK - 8 ? BLOCK : (size_t)2 * BLOCK;
	for (size_t i = 0; i < 8; i++)
		end[end_len - 1 - i] = (unsigned char)((uint64_t)len * 8 >> 8 * i);
	for (size_t i = 0; i < end_len; i += BLOCK)
		add_block(h, end + i);
	for (size_t i = 0; i < SHA1_BYTES; i++)
		out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}
