/* Sealed values and their key file; tokens and passwords. */
#include <check.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/seal.h"
#include "base/secret.h"
#include "base/str.h"
#include "tests/unit/fixture.h"

static char *root, *key;
static struct seal *seal;

static struct seal *
opened(const char *path)
{
	struct error err = ERROR_INIT;
	struct seal *s = NULL;

	if (seal_open(path, &s, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return s;
}

static void
setup(void)
{
	root = fixture_open();
	key = path_join(root, "key");
	seal = opened(key);
}

static void
teardown(void)
{
	seal_close(seal);
	free(key);
	fixture_close(root);
}

/* ---- values ---------------------------------------------------------------- */

static const char *const values[] = { "", "x", "a secret", "\xff\xfe\n" };

START_TEST(opens_what_it_sealed)
{
	cleanup_buf struct buf sealed = BUF_INIT, plain = BUF_INIT;
	struct error err = ERROR_INIT;
	size_t len = strlen(values[_i]);

	buf_add_str(&plain, "before ");
	seal_value(seal, "here", values[_i], len, &sealed);
	ck_assert_int_eq(sealed.len, len + 41);
	if (seal_open_value(seal, "here", sealed.data, sealed.len, &plain, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_int_eq(plain.len, strlen("before ") + len);
	ck_assert_str_eq(plain.data + strlen("before "), values[_i]);
}
END_TEST

START_TEST(two_seals_of_one_value_differ)
{
	cleanup_buf struct buf a = BUF_INIT, b = BUF_INIT;

	seal_value(seal, "here", "secret", 6, &a);
	seal_value(seal, "here", "secret", 6, &b);
	ck_assert(memcmp(a.data, b.data, a.len) != 0);
	ck_assert_ptr_null(memmem(a.data, a.len, "secret", 6));
}
END_TEST

START_TEST(any_changed_byte_is_seen)
{
	cleanup_buf struct buf sealed = BUF_INIT, plain = BUF_INIT;
	struct error err = ERROR_INIT;

	seal_value(seal, "variable 1 KEY", "secret", 6, &sealed);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		ck_assert_int_eq(seal_open_value(seal, "variable 1 KEY", sealed.data,
				     sealed.len, &plain, &err),
		    ERR_INVALID);
		sealed.data[i] ^= 1;
	}
	for (size_t len = 0; len < sealed.len; len++)
		ck_assert_int_eq(seal_open_value(seal, "variable 1 KEY", sealed.data, len,
				     &plain, &err),
		    ERR_INVALID);
	ck_assert_int_eq(plain.len, 0);
	ck_assert_msg(str_starts(err.msg, "variable 1 KEY: "), "%s", err.msg);
}
END_TEST

START_TEST(a_value_opens_in_its_place_only)
{
	cleanup_buf struct buf sealed = BUF_INIT, plain = BUF_INIT;
	struct error err = ERROR_INIT;

	seal_value(seal, "project 1 KEY", "secret", 6, &sealed);
	ck_assert_int_eq(
	    seal_open_value(seal, "project 2 KEY", sealed.data, sealed.len, &plain, &err),
	    ERR_INVALID);
}
END_TEST

START_TEST(another_key_does_not_open_it)
{
	cleanup_buf struct buf sealed = BUF_INIT, plain = BUF_INIT;
	cleanup_free char *path = path_join(root, "other");
	cleanup_seal struct seal *other = opened(path);
	struct error err = ERROR_INIT;

	seal_value(seal, "here", "secret", 6, &sealed);
	ck_assert_int_eq(
	    seal_open_value(other, "here", sealed.data, sealed.len, &plain, &err),
	    ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "or sealed with another key"));
}
END_TEST

/* ---- the key file ---------------------------------------------------------- */

START_TEST(the_key_file_is_the_owners_alone)
{
	struct stat st;

	ck_assert_int_eq(stat(key, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_nlink, 1);
}
END_TEST

START_TEST(the_key_is_found_again)
{
	cleanup_buf struct buf sealed = BUF_INIT, plain = BUF_INIT;
	cleanup_seal struct seal *again = opened(key);
	struct error err = ERROR_INIT;

	seal_value(seal, "here", "secret", 6, &sealed);
	if (seal_open_value(again, "here", sealed.data, sealed.len, &plain, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_str_eq(buf_str(&plain), "secret");
}
END_TEST

static const struct {
	const char *spoil; /* sh, in the key's folder */
	const char *want;
} bad_keys[] = {
	{ "chmod 640 key", "is open to others (mode 640): chmod 600 it" },
	{ "chmod 604 key", "is open to others (mode 604)" },
	{ ": >key", "is not one" },
	{ "echo secret >key", "is not one" },
	{ "echo >>key", "is not one" },
	{ "tr 0-9a-f x <key >k && cat k >key", "is not one" },
	{ "rm key && mkdir key && chmod 700 key", "is not a file" },
	{ "rm key && mkfifo -m 600 key", "is not a file" },
	{ "rm key && ln -s nowhere/key key", "cannot open the key file" },
};

START_TEST(refuses_a_bad_key_file)
{
	struct error err = ERROR_INIT;
	struct seal *got = NULL;

	fixture_sh(root, "%s", bad_keys[_i].spoil);
	ck_assert_int_eq(seal_open(key, &got, &err), ERR_ENVIRONMENT);
	ck_assert_msg(strstr(err.msg, bad_keys[_i].want) != NULL, "%s", err.msg);
	ck_assert_msg(strstr(err.msg, key) != NULL, "%s", err.msg);
	ck_assert_ptr_null(got);
}
END_TEST

/* ---- tokens and passwords -------------------------------------------------- */

START_TEST(a_token_is_its_prefix_and_24_letters)
{
	char token[SECRET_MAX];

	secret_make_token(SECRET_PERSONAL, token);
	ck_assert_int_eq(strlen(token), strlen("glpat-") + 24);
	ck_assert(str_starts(token, "glpat-"));
	ck_assert_int_eq(
	    strspn(token + 6,
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
	    24);
}
END_TEST

START_TEST(no_two_tokens_are_the_same)
{
	char a[SECRET_MAX], b[SECRET_MAX];

	secret_make_token(SECRET_JOB, a);
	secret_make_token(SECRET_JOB, b);
	ck_assert_str_ne(a, b);
}
END_TEST

START_TEST(a_token_is_kept_as_its_sha256)
{
	static const unsigned char want[] = { 0xba, 0x78, 0x16, 0xbf };
	unsigned char got[SECRET_HASH_BYTES], other[SECRET_HASH_BYTES];

	secret_hash_token("abc", got);
	ck_assert_mem_eq(got, want, sizeof(want));
	secret_hash_token("abd", other);
	ck_assert(secret_equal(got, got, sizeof(got)));
	ck_assert(!secret_equal(got, other, sizeof(got)));
}
END_TEST

static const struct {
	const char *password;
	bool want;
} guesses[] = {
	{ "correct horse", true },
	{ "correct hors", false },
	{ "", false },
};

START_TEST(a_password_is_known_again)
{
	char hash[SECRET_PASSWORD_MAX];
	struct error err = ERROR_INIT;

	if (secret_hash_password("correct horse", hash, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert(str_starts(hash, "$argon2id$"));
	ck_assert(secret_check_password(guesses[_i].password, hash) == guesses[_i].want);
}
END_TEST

static const char *const no_hashes[] = {
	"", "x", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$",
	"$argon2id$v=19$m=4294967295,t=4294967295,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAA"
};

START_TEST(what_is_no_hash_lets_nobody_in)
{
	ck_assert(!secret_check_password("", no_hashes[_i]));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("seal");
	TCase *tc = tcase_create("seal"), *secrets = tcase_create("secret");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, opens_what_it_sealed, 0, ARRAY_LEN(values));
	tcase_add_test(tc, two_seals_of_one_value_differ);
	tcase_add_test(tc, any_changed_byte_is_seen);
	tcase_add_test(tc, a_value_opens_in_its_place_only);
	tcase_add_test(tc, another_key_does_not_open_it);
	tcase_add_test(tc, the_key_file_is_the_owners_alone);
	tcase_add_test(tc, the_key_is_found_again);
	tcase_add_loop_test(tc, refuses_a_bad_key_file, 0, ARRAY_LEN(bad_keys));
	suite_add_tcase(suite, tc);
	tcase_add_test(secrets, a_token_is_its_prefix_and_24_letters);
	tcase_add_test(secrets, no_two_tokens_are_the_same);
	tcase_add_test(secrets, a_token_is_kept_as_its_sha256);
	tcase_add_loop_test(secrets, a_password_is_known_again, 0, ARRAY_LEN(guesses));
	tcase_add_loop_test(
	    secrets, what_is_no_hash_lets_nobody_in, 0, ARRAY_LEN(no_hashes));
	suite_add_tcase(suite, secrets);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
