/*
 * Says in TAP what holds and what does not.
 */
#include <stdbool.h>
#include <string.h>

#include "tally.h"

static int run, failed;

static void
ok(bool holds, const char *claim)
{
	printf("%s %d - %s\n", holds ? "ok" : "not ok", ++run, claim);
	failed += !holds;
}

static void
read_text(struct tally *t, const char *text)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");

	tally_init(t);
	if (in == NULL || tally_read(t, in) < 0)
		ok(false, "the text can be read");
	if (in != NULL)
		fclose(in);
}

static void
test_counts(void)
{
	struct tally t;

	read_text(&t, "The cat saw the dog; THE DOG ran.");
	ok(tally_count(&t, "the") == 3, "case does not matter");
	ok(tally_count(&t, "dog") == 2, "punctuation ends a word");
	ok(tally_count(&t, "ran") == 1, "the last word counts");
	ok(tally_count(&t, "bird") == 0, "a word that is not there has no count");
	ok(t.distinct == 5 && t.total == 8, "distinct words and all words");
	tally_clear(&t);
}

static void
test_order(void)
{
	char out[64] = "";
	FILE *stream = fmemopen(out, sizeof(out), "w");
	struct tally t;

	read_text(&t, "b a c a b d");
	ok(stream != NULL && tally_print(&t, 3, stream) == 0,
	    "three words can be printed");
	fclose(stream);
	ok(strcmp(out, "      2 a\n      2 b\n      1 c\n") == 0,
	    "most frequent first, then by the alphabet");
	tally_clear(&t);
}

static void
test_long_word(void)
{
	char text[1000];
	struct tally t;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	read_text(&t, text);
	ok(t.total == 1, "a long word is one word");
	tally_clear(&t);
}

int
main(void)
{
	test_counts();
	test_order();
	test_long_word();
	printf("1..%d\n", run);
	return failed > 0;
}
