/* SHA-256 against the vectors of FIPS 180-4. */
#include <check.h>

#include "base/hash.h"

static const struct {
	const char *text, *want;
} vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

START_TEST(hex_of_a_text)
{
	char got[HASH_SHA256_HEX];

	hash_sha256_hex(vectors[_i].text, strlen(vectors[_i].text), got);
	ck_assert_str_eq(got, vectors[_i].want);
}
END_TEST

START_TEST(pieces_give_the_same)
{
	struct hash h;
	char got[HASH_SHA256_HEX];

	hash_init(&h);
	for (const char *s = vectors[_i].text; *s != '\0'; s++)
		hash_add(&h, s, 1);
	hash_add(&h, NULL, 0);
	hash_end_hex(&h, got);
	ck_assert_str_eq(got, vectors[_i].want);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hash");
	TCase *tc = tcase_create("sha256");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, hex_of_a_text, 0, ARRAY_LEN(vectors));
	tcase_add_loop_test(tc, pieces_give_the_same, 0, ARRAY_LEN(vectors));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
