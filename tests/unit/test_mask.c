/* Secrets never come out: in any form, however the stream is cut. */
#include <check.h>
#include <stdio.h>

#include "runner/supervisor/echo_watch.h"
#include "runner/supervisor/mask.h"
#include "runner/supervisor/token_mask.h"

static void
setup(struct mask *m, const char *const *secrets)
{
	*m = (struct mask)MASK_INIT;
	for (; *secrets != NULL; secrets++)
		mask_add(m, *secrets, strlen(*secrets));
	mask_compile(m);
}

/* What comes out when the text is cut at a and b. */
static void
feed_cut(struct mask *m, const char *text, size_t a, size_t b, struct buf *out)
{
	size_t len = strlen(text);

	mask_feed(m, text, a, out);
	mask_feed(m, text + a, b - a, out);
	mask_feed(m, text + b, len - b, out);
	mask_flush(m, out);
}

static const struct {
	const char *secrets[4];
	const char *text, *want;
} hidden[] = {
	{ { "hunter2secret" }, "no secret here", "no secret here" },
	{ { "hunter2secret" }, "hunter2secret", "[MASKED]" },
	{ { "hunter2secret" }, "a hunter2secret b hunter2secret",
	    "a [MASKED] b [MASKED]" },
	{ { "hunter2secret" }, "hunter2secre", "hunter2secre" },
	{ { "hunter2secret" }, "hunter2hunter2secret", "hunter2[MASKED]" },
	{ { "  hunter2secret\n" }, "<hunter2secret>", "<[MASKED]>" }, /* trimmed */
	{ { "aaaaaaaa" }, "aaaaaaaaa", "[MASKED]" }, /* no ninth a beside it */
	{ { "abababab" }, "xababababababy", "x[MASKED]y" },
	/* the longer one counts, and what overlaps is hidden as a whole */
	{ { "password", "password-long" }, "password-long!", "[MASKED]!" },
	{ { "password", "password-long" }, "password-short", "[MASKED]-short" },
	{ { "abcdefgh", "efghijkl" }, "xabcdefghijkly", "x[MASKED]y" },
	{ { "abcdefgh", "cdef1234", "defghijk" }, "abcdefghijk cdef1234",
	    "[MASKED] [MASKED]" },
	/* line by line; short lines are no secrets */
	{ { "first line\nab\nsecond line" }, "second line, first line\r\nab",
	    "[MASKED], [MASKED]\r\nab" },
	{ { "first line\nab\nsecond line" }, "first line\nab\nsecond line", "[MASKED]" },
	/* URLs: strict, lower case, slash kept, marks kept, plus */
	{ { "p@ss w/rd(1)" }, "u=p%40ss%20w%2Frd%281%29&", "u=[MASKED]&" },
	{ { "p@ss w/rd(1)" }, "u=p%40ss%20w%2frd%281%29&", "u=[MASKED]&" },
	{ { "p@ss w/rd(1)" }, "u=p%40ss%20w/rd%281%29&", "u=[MASKED]&" },
	{ { "p@ss w/rd(1)" }, "u=p%40ss%20w%2Frd(1)&", "u=[MASKED]&" },
	{ { "p@ss w/rd(1)" }, "u=p%40ss+w%2Frd%281%29&", "u=[MASKED]&" },
	/* JSON: plain, slash, for HTML, ASCII */
	{ { "say \"hi\"\\</b>\tx" }, "{\"say \\\"hi\\\"\\\\</b>\\tx\"}",
	    "{\"[MASKED]\"}" },
	{ { "say \"hi\"\\</b>\tx" }, "{\"say \\\"hi\\\"\\\\<\\/b>\\tx\"}",
	    "{\"[MASKED]\"}" },
	{ { "say \"hi\"\\</b>\tx" }, "{\"say \\\"hi\\\"\\\\\\u003c/b\\u003e\\tx\"}",
	    "{\"[MASKED]\"}" },
	{ { "gr\303\274\303\237e\xf0\x9f\x94\x91!" }, "gr\\u00fc\\u00dfe\\ud83d\\udd11!",
	    "[MASKED]" },
	{ { "key\nwith lines" }, "\"key\\nwith lines\"", "\"[MASKED]\"" },
	/* the shell's own quoting, as xtrace shows it */
	{ { "it's secret" }, "+ echo 'it'\\''s secret'", "+ echo '[MASKED]'" },
	/* base64 of the whole, of "echo" with its newline, of the middle of a text */
	{ { "hunter2secret" }, "aHVudGVyMnNlY3JldA==", "[MASKED]==" },
	{ { "hunter2secret" }, "aHVudGVyMnNlY3JldAo=", "[MASKED]o=" },
	{ { "hunter2secret" }, "dXNlcjpodW50ZXIyc2VjcmV0", "dXNlcj[MASKED]" },
	{ { "hunter2secret" }, "eDpodW50ZXIyc2VjcmV0Cg==", "eD[MASKED]Cg==" },
	{ { "\377\376\375\374\373\372\371\370" }, "//79/Pv6+fg=", "[MASKED]=" },
	{ { "\377\376\375\374\373\372\371\370" }, "__79_Pv6-fg=", "[MASKED]=" },
};

/* Every case at every two cuts. */
START_TEST(secret_never_comes_out)
{
	const char *text = hidden[_i].text;
	size_t len = strlen(text);

	for (size_t a = 0; a <= len; a++) {
		for (size_t b = a; b <= len; b++) {
			cleanup_buf struct buf out = BUF_INIT;
			struct mask m;

			setup(&m, hidden[_i].secrets);
			feed_cut(&m, text, a, b, &out);
			ck_assert_msg(strcmp(buf_str(&out), hidden[_i].want) == 0,
			    "%s cut at %zu and %zu: %s", text, a, b, buf_str(&out));
			mask_clear(&m);
			if (len > 24)
				break; /* long ones: the first cut alone, in two */
		}
	}
}
END_TEST

/* Encoders of our own, to compare with: how others would show a value. */
static void
encode64(const char *data, size_t len, struct buf *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		unsigned a = (unsigned char)data[i];
		unsigned b = i + 1 < len ? (unsigned char)data[i + 1] : 0;
		unsigned c = i + 2 < len ? (unsigned char)data[i + 2] : 0;
		unsigned group = a << 16 | b << 8 | c;

		buf_add_char(out, digits[group >> 18]);
		buf_add_char(out, digits[group >> 12 & 63]);
		buf_add_char(out, i + 1 < len ? digits[group >> 6 & 63] : '=');
		buf_add_char(out, i + 2 < len ? digits[group & 63] : '=');
	}
}

/*
 * A secret in the middle of others' bytes, encoded: of all digits that depend on the
 * secret none may be seen. Two texts that differ in the secret alone must look the same.
 */
START_TEST(base64_shows_no_bit_of_a_secret)
{
	static const char *const secrets[][2] = { { "secret-one-1234" },
		{ "Another#2_5678z" } };
	size_t before = (size_t)_i % 7, after = (size_t)_i / 7;
	struct buf shown[2] = { BUF_INIT, BUF_INIT };

	for (size_t k = 0; k < 2; k++) {
		cleanup_buf struct buf plain = BUF_INIT, code = BUF_INIT;
		struct mask m;

		buf_add(&plain, "pretext", before);
		buf_add_str(&plain, secrets[k][0]);
		buf_add(&plain, "aftermath", after);
		encode64(plain.data, plain.len, &code);
		setup(&m, secrets[k]);
		mask_feed(&m, code.data, code.len, &shown[k]);
		mask_flush(&m, &shown[k]);
		mask_clear(&m);
	}
	ck_assert_str_eq(buf_str(&shown[0]), buf_str(&shown[1]));
	ck_assert_ptr_nonnull(strstr(buf_str(&shown[0]), "[MASKED]"));
	buf_clear(&shown[0]);
	buf_clear(&shown[1]);
}
END_TEST

static const size_t columns[] = { 0, 64, 76 };

START_TEST(long_secret_is_hidden_in_wrapped_base64)
{
	cleanup_buf struct buf secret = BUF_INIT, code = BUF_INIT, text = BUF_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	size_t width = columns[_i];
	struct mask m = MASK_INIT;

	for (int i = 0; i < 700; i++)
		buf_printf(&secret, "%d,", i * 7919 % 10007);
	encode64(secret.data, secret.len, &code);
	for (size_t i = 0; i < code.len; i++) {
		if (width > 0 && i > 0 && i % width == 0)
			buf_add_char(&text, '\n');
		buf_add_char(&text, code.data[i]);
	}
	mask_add(&m, secret.data, secret.len);
	mask_compile(&m);
	for (size_t i = 0; i < text.len; i += 1000)
		mask_feed(
		    &m, text.data + i, text.len - i < 1000 ? text.len - i : 1000, &out);
	mask_flush(&m, &out);
	for (const char *p = buf_str(&out); *p != '\0'; p++)
		ck_assert_msg(strchr("[MASKED]\n=", *p) != NULL, "%s", buf_str(&out));
	mask_clear(&m);
}
END_TEST

START_TEST(what_cannot_be_a_secret_is_not_held_back)
{
	static const char *const secrets[] = { "hunter2secret", NULL };
	cleanup_buf struct buf out = BUF_INIT;
	struct mask m;

	setup(&m, secrets);
	mask_feed(&m, "Password: hunt", 14, &out);
	ck_assert_str_eq(buf_str(&out), "Password: ");
	mask_feed(&m, "ing", 3, &out);
	ck_assert_str_eq(buf_str(&out), "Password: hunting");
	mask_clear(&m);
}
END_TEST

/* ---- tokens ---------------------------------------------------------------- */

static const struct {
	const char *text, *want;
} tokens[] = {
	{ "glpat-AbC_1.2=-x rest", "glpat-[MASKED] rest" },
	{ "glpat- rest", "glpat- rest" },
	{ "xglpat-a", "xglpat-[MASKED]" },
	{ "glrt-a glrtr-b glcbt-c", "glrt-[MASKED] glrtr-[MASKED] glcbt-[MASKED]" },
	{ "glpat-glrt-abc!", "glpat-[MASKED]!" },
	{ "_gitlab_session=0af;", "_gitlab_session=[MASKED];" },
	{ "http://x/?private_token=a/b%20c&page=2",
	    "http://x/?private_token=[MASKED]&page=2" },
	{ "http://x/?page=2&rss_token=abc#top",
	    "http://x/?page=2&rss_token=[MASKED]#top" },
	{ "x?X-Amz-Signature=0f\"", "x?X-Amz-Signature=[MASKED]\"" },
	{ "private_token=kept", "private_token=kept" },
	{ "glp", "glp" },
	/* behind a whole block, across the edge of one, and in the last bytes */
	{ "0123456789012345678901234567890123456789 glpat-abc 0123456789",
	    "0123456789012345678901234567890123456789 glpat-[MASKED] 0123456789" },
	{ "012345678901234567890123456789 glpat-abc",
	    "012345678901234567890123456789 "
	    "glpat-[MASKED]" },
	{ "0123456789012345678901234567890 glpat-abc",
	    "0123456789012345678901234567890 "
	    "glpat-[MASKED]" },
	{ "01234567890123456789012345678901 glpat-abc",
	    "01234567890123456789012345678901 "
	    "glpat-[MASKED]" },
	{ "glpat", "glpat" },
};

START_TEST(token_is_hidden_behind_its_prefix)
{
	const char *text = tokens[_i].text;
	size_t len = strlen(text);

	for (size_t a = 0; a <= len; a++) {
		for (size_t b = a; b <= len; b++) {
			cleanup_buf struct buf out = BUF_INIT;
			struct token_mask m = TOKEN_MASK_INIT;

			token_mask_feed(&m, text, a, &out);
			token_mask_feed(&m, text + a, b - a, &out);
			token_mask_feed(&m, text + b, len - b, &out);
			token_mask_flush(&m, &out);
			ck_assert_msg(strcmp(buf_str(&out), tokens[_i].want) == 0,
			    "%s cut at %zu and %zu: %s", text, a, b, buf_str(&out));
			token_mask_clear(&m);
		}
	}
}
END_TEST

/* ---- against a simple search ----------------------------------------------- */

/* Every byte of every secret, found the slow way. */
static void
hide_slowly(const char *const *secrets, const char *text, struct buf *out)
{
	size_t len = strlen(text), hidden_to = 0;
	bool is_open = false;

	for (size_t i = 0; i < len; i++) {
		for (const char *const *s = secrets; *s != NULL; s++) {
			size_t n = strlen(*s);

			if (strncmp(text + i, *s, n) != 0)
				continue;
			if (!is_open)
				buf_add_str(out, MASK_TEXT);
			is_open = true;
			if (i + n > hidden_to)
				hidden_to = i + n;
		}
		if (i >= hidden_to) {
			buf_add_char(out, text[i]);
			is_open = false;
		}
	}
}

START_TEST(finds_what_a_simple_search_finds)
{
	static const char *const secrets[] = { "abab", "abba", "babab", "aaab", "bbbbbb",
		NULL };
	uint64_t random = (uint64_t)_i * 2654435761u + 1;
	cleanup_buf struct buf text = BUF_INIT, want = BUF_INIT, got = BUF_INIT;
	struct mask m = MASK_INIT;

	for (int i = 0; i < 200; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		buf_add_char(&text, "ab"[random >> 40 & 1]);
	}
	hide_slowly(secrets, text.data, &want);
	for (const char *const *s = secrets; *s != NULL; s++)
		matcher_add(&m.secrets, *s, strlen(*s));
	mask_compile(&m);
	for (size_t i = 0, n; i < text.len; i += n) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		n = random >> 40 & 7;
		n = n < text.len - i ? n : text.len - i;
		mask_feed(&m, text.data + i, n, &got);
	}
	mask_flush(&m, &got);
	ck_assert_str_eq(buf_str(&got), buf_str(&want));
	mask_clear(&m);
}
END_TEST

/* ---- which item runs ------------------------------------------------------- */

static const struct {
	const char *output;
	int item;
} watched[] = {
	{ "", -1 }, { "\033[32;1m$ one\033[0;m\n", 0 },
	{ "\033[32;1m$ one\033[0;m\nout\n\033[32;1m$ two\033[0;m\nmore", 1 },
	{ "\033[0m\033[32;1m$ two\033[0;m\n", 1 },
	{ "\033[32\033[32;1m$ two\033[0;m\n", 1 }, { "\033[32;1m$ other\033[0;m\n", -1 },
	{ "\033[32;1m$ one\033[0;m", -1 }, /* the line has not ended */
	{ "\033[32;1m$ one\033[0;m\n\033[32;1m$ same\033[0;m\n", 2 },
	{ "\033[32;1m$ same\033[0;m\n\033[32;1m$ same\033[0;m\n", 3 },
	{ "\033[32;1m$ same\033[0;m\n\033[32;1m$ one\033[0;m\n", 0 }, /* a loop */
};

START_TEST(item_is_known_by_its_echo)
{
	struct strlist items = STRLIST_INIT;
	const char *output = watched[_i].output;
	size_t len = strlen(output);

	strlist_add(&items, "\033[32;1m$ one\033[0;m");
	strlist_add(&items, "\033[32;1m$ two\033[0;m");
	strlist_add(&items, "\033[32;1m$ same\033[0;m");
	strlist_add(&items, "\033[32;1m$ same\033[0;m");
	for (size_t cut = 0; cut <= len; cut++) {
		struct echo_watch w = ECHO_WATCH_INIT;

		echo_watch_begin(&w, &items);
		echo_watch_feed(&w, output, cut);
		echo_watch_feed(&w, output + cut, len - cut);
		ck_assert_msg(w.item == watched[_i].item, "%s cut at %zu: %d", output,
		    cut, (int)w.item);
		echo_watch_clear(&w);
	}
	strlist_clear(&items);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mask");
	TCase *tc = tcase_create("mask");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, secret_never_comes_out, 0, ARRAY_LEN(hidden));
	tcase_add_loop_test(tc, base64_shows_no_bit_of_a_secret, 0, 7 * 9);
	tcase_add_loop_test(
	    tc, long_secret_is_hidden_in_wrapped_base64, 0, ARRAY_LEN(columns));
	tcase_add_test(tc, what_cannot_be_a_secret_is_not_held_back);
	tcase_add_loop_test(tc, token_is_hidden_behind_its_prefix, 0, ARRAY_LEN(tokens));
	tcase_add_loop_test(tc, finds_what_a_simple_search_finds, 0, 200);
	tcase_add_loop_test(tc, item_is_known_by_its_echo, 0, ARRAY_LEN(watched));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
