/*
 * Counts the words of a text. A word is a run of letters; case does not matter.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>
#include <stdio.h>

struct word {
	char *text; /* lower case */
	size_t count;
	struct word *next;
};

struct tally {
	struct word *slots[4096];
	size_t distinct;
	size_t total;
};

/* Words longer than this are cut. */
#define WORD_MAX_LEN 63

void tally_init(struct tally *t);
void tally_clear(struct tally *t);

/* Returns 0, or -1 when out of memory. */
int tally_add(struct tally *t, const char *word);
int tally_read(struct tally *t, FILE *in);

size_t tally_count(const struct tally *t, const char *word);

/* Most frequent first, equal ones by the alphabet; n of them, or all when n is 0. */
int tally_print(const struct tally *t, size_t n, FILE *out);

#endif
