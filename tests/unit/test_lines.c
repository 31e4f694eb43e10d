/* What of a job's output reaches a terminal, and what does not. */
#include <check.h>

#include "base/str.h"
#include "cli/lines.h"

static const struct {
	const char *claim, *in;
	bool colors;
	const char *want; /* lines, each ended by '|' */
} rows[] = {
	{ "lines are cut at newlines", "a\nb\n", false, "a|b|" },
	{ "an empty line is a line", "a\n\nb\n", false, "a||b|" },
	{ "what has no newline comes at the end", "a\nb", false, "a|b|" },
	{ "a progress bar shows its last state", "1%\r50%\r100%\n", false, "100%|" },
	{ "CR LF is a newline", "a\r\nb\r\n", false, "a|b|" },
	{ "colours are dropped in a pipe", "\033[31mred\033[0m\n", false, "red|" },
	{ "colours pass on a terminal, and end", "\033[31mred\n", true,
	    "\033[31mred\033[0m|" },
	{ "cursor moves do not pass", "\033[2J\033[1;1Hx\n", true, "x|" },
	{ "a private mode does not pass as a colour", "\033[?25lx\033[>1mx\n", true,
	    "xx|" },
	{ "a window title does not pass", "\033]0;title\ax\n", true, "x|" },
	{ "a title ended by ST does not pass", "\033]0;title\033\\x\n", true, "x|" },
	{ "a cut escape ends with the line", "x\033[3\n", true, "x|" },
	{ "C1 controls do not pass",
	    "a\xc2\x9b"
	    "31mb\n",
	    true, "a31mb|" },
	{ "other letters of that lead byte do", "\xc2\xa9\n", true, "\xc2\xa9|" },
	{ "bells and backspaces do not pass", "a\a\bb\x7f\n", true, "ab|" },
	{ "tabs pass", "a\tb\n", false, "a\tb|" },
	{ "section markers vanish", "section_start:1:x\r\033[0Khead\n", true, "head|" },
};

static void
add_line(void *data, const char *line, size_t len)
{
	buf_add(data, line, len);
	buf_add_char(data, '|');
}

/* The same result, however the bytes are cut into pieces. */
START_TEST(line_is_cleaned)
{
	size_t len = strlen(rows[_i].in);

	for (size_t piece = 1; piece <= len; piece++) {
		struct lines lines = { .colors = rows[_i].colors };
		cleanup_buf struct buf got = BUF_INIT;

		for (size_t at = 0; at < len; at += piece)
			lines_feed(&lines, rows[_i].in + at,
			    at + piece > len ? len - at : piece, add_line, &got);
		lines_end(&lines, add_line, &got);
		lines_clear(&lines);
		ck_assert_msg(str_eq(buf_str(&got), rows[_i].want),
		    "%s, in pieces of %zu: got %s", rows[_i].claim, piece, buf_str(&got));
	}
}
END_TEST

static void
count_bytes(void *data, const char *line UNUSED, size_t len)
{
	size_t *most = data;

	*most = len > *most ? len : *most;
}

START_TEST(endless_line_comes_in_pieces)
{
	struct lines lines = { .colors = false };
	char chunk[4096];
	size_t most = 0;

	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 1000; i++)
		lines_feed(&lines, chunk, sizeof(chunk), count_bytes, &most);
	lines_clear(&lines);
	ck_assert_uint_gt(most, LINES_MAX);
	ck_assert_uint_lt(most, 2 * LINES_MAX);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lines");
	TCase *tc = tcase_create("lines");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, line_is_cleaned, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, endless_line_comes_in_pieces);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
