#include "tally.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void
tally_init(struct tally *t)
{
	memset(t, 0, sizeof(*t));
}

void
tally_clear(struct tally *t)
{
	for (size_t i = 0; i < sizeof(t->slots) / sizeof(t->slots[0]); i++) {
		while (t->slots[i] != NULL) {
			struct word *word = t->slots[i];

			t->slots[i] = word->next;
			free(word->text);
			free(word);
		}
	}
	tally_init(t);
}

static size_t
slot_of(const struct tally *t, const char *word)
{
	unsigned hash = 2166136261u; /* FNV-1a */

	for (; *word != '\0'; word++)
		hash = (hash ^ (unsigned char)*word) * 16777619u;
	return hash % (sizeof(t->slots) / sizeof(t->slots[0]));
}

static struct word *
find(const struct tally *t, const char *word)
{
	struct word *w = t->slots[slot_of(t, word)];

	while (w != NULL && strcmp(w->text, word) != 0)
		w = w->next;
	return w;
}

int
tally_add(struct tally *t, const char *word)
{
	struct word *w = find(t, word);
	size_t slot = slot_of(t, word);

	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		if (w == NULL || (w->text = strdup(word)) == NULL) {
			free(w);
			return -1;
		}
		w->next = t->slots[slot];
		t->slots[slot] = w;
		t->distinct++;
	}
	w->count++;
	t->total++;
	return 0;
}

int
tally_read(struct tally *t, FILE *in)
{
	char word[WORD_MAX_LEN + 1];
	size_t len = 0;
	int c;

	do {
		c = getc(in);
		if (c != EOF && isalpha(c)) {
			if (len < WORD_MAX_LEN)
				word[len++] = (char)tolower(c);
		} else if (len > 0) {
			word[len] = '\0';
			len = 0;
			if (tally_add(t, word) < 0)
				return -1;
		}
	} while (c != EOF);
	return 0;
}

size_t
tally_count(const struct tally *t, const char *word)
{
	const struct word *w = find(t, word);

	return w != NULL ? w->count : 0;
}

static int
by_count(const void *left, const void *right)
{
	const struct word *a = *(struct word *const *)left,
			  *b = *(struct word *const *)right;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return strcmp(a->text, b->text);
}

int
tally_print(const struct tally *t, size_t n, FILE *out)
{
	struct word **all = calloc(t->distinct + 1, sizeof(struct word *));
	size_t found = 0;

	if (all == NULL)
		return -1;
	for (size_t i = 0; i < sizeof(t->slots) / sizeof(t->slots[0]); i++)
		for (struct word *w = t->slots[i]; w != NULL; w = w->next)
			all[found++] = w;
	qsort(all, found, sizeof(*all), by_count);
	for (size_t i = 0; i < found && (n == 0 || i < n); i++)
		fprintf(out, "%7zu %s\n", all[i]->count, all[i]->text);
	free(all);
	return ferror(out) ? -1 : 0;
}
