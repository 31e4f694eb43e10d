/* SHA-256 and SHA-1 against the vectors of FIPS 180-4. */
#include <check.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/sha1.h"

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

/* RFC 4231, test case 2. */
START_TEST(hmac_of_a_text)
{
	static const unsigned char want[] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75,
		0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f,
		0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38,
		0x43 };
	unsigned char got[HASH_SHA256_BYTES];

	hash_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, got);
	ck_assert_mem_eq(got, want, sizeof(want));
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

/* The same letter so many times: around the ends of blocks. */
static const struct {
	size_t len;
	const char *want;
} lengths[] = {
	{ 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
	{ 1, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8" },
	{ 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a" },
	{ 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699" },
	{ 63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5" },
	{ 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d" },
	{ 65, "11655326c708d70319be2610e8a57d9a5b959d3b" },
	{ 119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56" },
	{ 120, "f34c1488385346a55709ba056ddd08280dd4c6d6" },
	{ 200, "e61cfffe0d9195a525fc6cf06ca2d77119c24a40" },
};

START_TEST(sha1_of_any_length)
{
	unsigned char got[SHA1_BYTES];
	char text[201], hex[2 * SHA1_BYTES + 1] = "";

	memset(text, 'a', lengths[_i].len);
	sha1(text, lengths[_i].len, got);
	for (size_t i = 0; i < SHA1_BYTES; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", got[i]);
	ck_assert_str_eq(hex, lengths[_i].want);
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
	tcase_add_test(tc, hmac_of_a_text);
	tcase_add_loop_test(tc, pieces_give_the_same, 0, ARRAY_LEN(vectors));
	tcase_add_loop_test(tc, sha1_of_any_length, 0, ARRAY_LEN(lengths));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
