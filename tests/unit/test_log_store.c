/* Logs: appended by offset, read by byte and by line, plain and compressed, damaged. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crc32.h"
#include "base/path.h"
#include "base/str.h"
#include "scheduler/log_index.h"
#include "scheduler/log_store.h"
#include "tests/unit/fixture.h"

enum { JOB = 12345 };

static char *root;
static struct log_store *logs;

static void
open_logs(void)
{
	struct error err = ERROR_INIT;

	if (log_store_open(root, &logs, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static void
setup(void)
{
	root = fixture_open();
	open_logs();
}

static void
teardown(void)
{
	log_store_close(logs);
	fixture_close(root);
}

static void
reopen(void)
{
	log_store_close(logs);
	open_logs();
}

static struct log_state
state(void)
{
	struct log_state st;
	struct error err = ERROR_INIT;

	if (log_store_state(logs, JOB, &st, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return st;
}

static void
append(const char *data, size_t len)
{
	struct log_state st = state();
	struct error err = ERROR_INIT;

	if (log_store_append(logs, JOB, st.size, data, len, 7, &st, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static void
compress_log(void)
{
	struct error err = ERROR_INIT;

	log_store_forget(logs, JOB);
	if (log_store_compress(logs, JOB, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static struct log_reader *
reader(void)
{
	struct log_reader *r = NULL;
	struct error err = ERROR_INIT;

	if (log_reader_open(logs, JOB, &r, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return r;
}

/* The bytes from offset on, len of them at the most. */
static void
read_range(int64_t offset, size_t len, struct buf *out)
{
	cleanup_log_reader struct log_reader *r = reader();
	struct error err = ERROR_INIT;

	buf_reset(out);
	buf_reserve(out, len);
	if (log_reader_read(r, offset, out->data, len, &out->len, &err) < 0)
		ck_abort_msg("%s", err.msg);
	out->data[out->len] = '\0';
}

static struct log_range
find_lines(int64_t first, int64_t count)
{
	cleanup_log_reader struct log_reader *r = reader();
	struct error err = ERROR_INIT;
	struct log_range range;

	if (log_reader_find_lines(r, first, count, &range, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return range;
}

static uint32_t
crc_of(const struct buf *b)
{
	struct crc32 crc;

	crc32_init(&crc);
	crc32_add(&crc, b->data, b->len);
	return crc32_value(&crc);
}

/* Lines "line N" of lengths that differ, and here and there one that is very long. */
static void
make_text(struct buf *text, int lines)
{
	for (int i = 0; i < lines; i++) {
		buf_printf(text, "line %d %.*s", i, i * 7 % 60,
		    "............................................................");
		if (i % 5000 == 4999)
			for (int k = 0; k < 200000; k++)
				buf_add_char(text, 'x');
		buf_add_char(text, '\n');
	}
}

static void
append_in_pieces(const struct buf *text)
{
	for (size_t at = 0, n = 1; at < text->len; at += n, n = n * 3 + 1) {
		if (n > 300000)
			n = 1;
		if (n > text->len - at)
			n = text->len - at;
		append(text->data + at, n);
	}
}

/* ---- appending ------------------------------------------------------------- */

START_TEST(a_log_that_is_not_there_is_empty)
{
	struct log_state st = state();

	ck_assert_int_eq(st.size, 0);
	ck_assert_int_eq(st.crc32, 0);
	ck_assert(!st.compressed);
	fixture_sh(root, "test -z \"$(ls)\"");
}
END_TEST

START_TEST(size_lines_and_crc_go_along)
{
	cleanup_buf struct buf text = BUF_INIT;

	make_text(&text, 12000);
	append_in_pieces(&text);
	ck_assert_int_eq(state().size, (int64_t)text.len);
	ck_assert_int_eq(state().lines, 12000);
	ck_assert_uint_eq(state().crc32, crc_of(&text));
}
END_TEST

START_TEST(a_restart_takes_a_log_up)
{
	cleanup_buf struct buf text = BUF_INIT, again = BUF_INIT;
	struct log_state before;

	make_text(&text, 12000);
	append_in_pieces(&text);
	before = state();
	reopen();
	ck_assert_int_eq(state().size, before.size);
	ck_assert_int_eq(state().lines, before.lines);
	ck_assert_uint_eq(state().crc32, before.crc32);
	append("more\n", 5);
	buf_add_str(&text, "more\n");
	ck_assert_uint_eq(state().crc32, crc_of(&text));
	read_range(0, text.len, &again);
	ck_assert_mem_eq(again.data, text.data, text.len);
}
END_TEST

static const struct {
	const char *spoil; /* sh, in the folder of the log */
} lost_indexes[] = {
	{ "rm 12345.idx" },
	{ ": >12345.idx" },
	{ "truncate -s -5 12345.idx" },
	{ "head -c 4000 /dev/zero >12345.idx" },
	{ "head -c 333 /dev/urandom >>12345.idx" },
	{ "printf xxxx | dd of=12345.idx bs=1 seek=40 conv=notrunc status=none" },
};

START_TEST(a_lost_index_is_made_again)
{
	cleanup_buf struct buf text = BUF_INIT;

	make_text(&text, 12000);
	append_in_pieces(&text);
	log_store_forget(logs, JOB);
	fixture_sh(root, "cd 12 && %s", lost_indexes[_i].spoil);
	ck_assert_int_eq(state().lines, 12000);
	ck_assert_uint_eq(state().crc32, crc_of(&text));
	ck_assert(str_starts(text.data + find_lines(11999, 1).offset, "line 11999 "));
}
END_TEST

START_TEST(other_offsets_are_refused)
{
	static const int64_t offsets[] = { -1, 0, 4, 6, INT64_MAX };
	struct error err = ERROR_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct log_state st;

	append("hello", 5);
	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		ck_assert_int_eq(
		    log_store_append(logs, JOB, offsets[i], "x", 1, 0, &st, &err),
		    ERR_INVALID);
		ck_assert_int_eq(st.size, 5);
	}
	ck_assert_str_eq(err.msg,
	    "the log of job 12345 has 5 bytes, what was sent begins at "
	    "9223372036854775807");
	read_range(0, 100, &text);
	ck_assert_str_eq(buf_str(&text), "hello");
}
END_TEST

START_TEST(many_logs_at_a_time)
{
	struct error err = ERROR_INIT;
	struct log_state st;

	for (int64_t turn = 0; turn < 2; turn++)
		for (int64_t job = 1; job <= 1200; job++)
			if (log_store_append(
				logs, job, turn * 3, "ab\n", 3, 0, &st, &err) < 0)
				ck_abort_msg("%s", err.msg);
	ck_assert_int_eq(st.size, 6);
	ck_assert_int_eq(st.lines, 2);
	fixture_sh(root, "test \"$(ls */*.log | wc -l)\" = 1200");
	fixture_sh(root, "test \"$(ls /proc/$PPID/fd | wc -l)\" -lt 2100");
}
END_TEST

START_TEST(a_full_disk_leaves_the_log_whole)
{
	cleanup_free char *big = xcalloc(1, 3000000);
	struct error err = ERROR_INIT;
	struct log_state st;

	if (!fixture_can_mount()) {
		printf("skipped: a full disk needs root, to mount a small one\n");
		return;
	}
	fixture_sh(root, "mkdir 12 && mount -t tmpfs -o size=2m none 12");
	append("hello\n", 6);
	ck_assert_int_eq(
	    log_store_append(logs, JOB, 6, big, 3000000, 0, &st, &err), ERR_ENVIRONMENT);
	ck_assert_int_eq(st.size, 6);
	ck_assert_msg(
	    strstr(err.msg, "cannot write the log of job 12345: No space") != NULL, "%s",
	    err.msg);
	append("more\n", 5);
	reopen();
	ck_assert_int_eq(state().size, 11);
	log_store_forget(logs, JOB);
	fixture_sh(root, "umount 12");
}
END_TEST

/* ---- reading --------------------------------------------------------------- */

static const struct {
	int64_t first, count;
	const char *want;
} windows[] = {
	{ 0, 0, "" },
	{ 0, 1, "a\n" },
	{ 1, 2, "\nccc\n" },
	{ 3, 1, "dd" },
	{ 3, 9, "dd" },
	{ 4, 1, "" },
	{ INT64_MAX, INT64_MAX, "" },
	{ 0, INT64_MAX, "a\n\nccc\ndd" },
};

START_TEST(finds_lines)
{
	cleanup_buf struct buf got = BUF_INIT;
	struct log_range range;

	append("a\n\nccc\ndd", 9);
	range = find_lines(windows[_i].first, windows[_i].count);
	read_range(range.offset, (size_t)range.len, &got);
	ck_assert_str_eq(buf_str(&got), windows[_i].want);
}
END_TEST

static void
check_all_ways(const struct buf *text, int lines)
{
	cleanup_buf struct buf got = BUF_INIT;
	cleanup_log_reader struct log_reader *r = reader();
	struct error err = ERROR_INIT;
	int64_t count;

	for (int i = 0; i < lines; i += 97) {
		cleanup_free char *want = xasprintf("line %d ", i);
		struct log_range range = find_lines(i, 1);

		ck_assert_int_eq(range.lines, i);
		read_range(range.offset, (size_t)range.len, &got);
		ck_assert(str_starts(got.data, want));
		ck_assert(str_ends(got.data, "\n"));
		ck_assert_ptr_eq(strchr(got.data, '\n'), got.data + got.len - 1);
	}
	for (int64_t at = 0; at < (int64_t)text->len; at += 77777) {
		read_range(at, 100000, &got);
		ck_assert_mem_eq(got.data, text->data + at, got.len);
	}
	read_range((int64_t)text->len, 10, &got);
	ck_assert_int_eq(got.len, 0);
	ck_assert_int_eq(log_reader_count_lines(r, &count, &err), 0);
	ck_assert_int_eq(count, lines);
	ck_assert_int_eq(find_lines(lines / 2, 1).time_us, 7);
}

START_TEST(plain_and_compressed_read_the_same)
{
	cleanup_buf struct buf text = BUF_INIT;

	make_text(&text, 30000);
	append_in_pieces(&text);
	check_all_ways(&text, 30000);
	compress_log();
	fixture_sh(root, "test -e 12/12345.log.zst && ! test -e 12/12345.log");
	check_all_ways(&text, 30000);
}
END_TEST

START_TEST(any_zstd_reads_it)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_free char *sum = NULL;
	char hex[9];

	make_text(&text, 30000);
	append_in_pieces(&text);
	compress_log();
	if (access("/usr/bin/zstd", X_OK) < 0) {
		printf("skipped: zstd is not installed\n");
		return;
	}
	sum = fixture_ask(root,
	    "zstd -dc 12/12345.log.zst | gzip -1 | tail -c 8 | "
	    "od -An -tx4 -N4 | tr -d ' '");
	(void)snprintf(hex, sizeof(hex), "%08x", crc_of(&text));
	ck_assert_str_eq(sum, hex);
}
END_TEST

START_TEST(a_reader_outlives_compression_and_erasure)
{
	cleanup_log_reader struct log_reader *r = NULL;
	struct error err = ERROR_INIT;
	char got[6] = "";
	size_t len;

	append("hello", 5);
	r = reader();
	compress_log();
	ck_assert_int_eq(log_store_erase(logs, JOB, &err), 0);
	ck_assert_int_eq(log_reader_read(r, 0, got, 5, &len, &err), 0);
	ck_assert_str_eq(got, "hello");
}
END_TEST

START_TEST(a_reader_sees_what_is_added)
{
	cleanup_log_reader struct log_reader *r = NULL;
	struct error err = ERROR_INIT;
	int64_t size;

	append("hello", 5);
	r = reader();
	append(" world", 6);
	ck_assert_int_eq(log_reader_size(r, &size, &err), 0);
	ck_assert_int_eq(size, 11);
}
END_TEST

START_TEST(nothing_is_added_to_a_compressed_log)
{
	struct error err = ERROR_INIT;
	struct log_state st;

	append("hello", 5);
	compress_log();
	ck_assert_int_eq(
	    log_store_append(logs, JOB, 5, "x", 1, 0, &st, &err), ERR_INVALID);
	ck_assert(st.compressed);
	ck_assert_int_eq(st.size, 5);
	ck_assert_str_eq(err.msg, "job 12345 is over, its log is compressed");
}
END_TEST

START_TEST(compressing_twice_is_harmless)
{
	cleanup_buf struct buf got = BUF_INIT;

	append("hello", 5);
	compress_log();
	compress_log();
	read_range(0, 9, &got);
	ck_assert_str_eq(buf_str(&got), "hello");
}
END_TEST

START_TEST(an_erased_log_is_gone)
{
	struct error err = ERROR_INIT;
	struct log_reader *r = NULL;

	append("hello", 5);
	ck_assert_int_eq(log_store_erase(logs, JOB, &err), 0);
	fixture_sh(root, "test -z \"$(ls 12)\"");
	ck_assert_int_eq(state().size, 0);
	ck_assert_int_eq(log_reader_open(logs, JOB, &r, &err), ERR_MISSING);
	ck_assert_str_eq(err.msg, "job 12345 has no log");
}
END_TEST

/* ---- damage ---------------------------------------------------------------- */

static const struct {
	const char *spoil; /* sh, where f is the file */
	const char *want;
} damages[] = {
	{ ": >$f", "is damaged: it is cut short" },
	{ "truncate -s -1 $f", "is damaged: it has no table of frames" },
	{ "truncate -s -1000 $f", "is damaged" },
	{ "head -c 20000 /dev/zero >$f", "is damaged: it has no table of frames" },
	{ "printf xxxx | dd of=$f bs=1 seek=1000 conv=notrunc status=none",
	    "is damaged" },
	{ "tail -c +2 $f >g && mv g $f", "is damaged: its table is of another file" },
	{ "printf '\\377\\377\\377\\377' | dd of=$f bs=1 conv=notrunc status=none "
	  "seek=$(($(stat -c %s $f) - 9))",
	    "is damaged: its table is longer than the file" },
	{ "printf '\\377\\377\\377\\377' | dd of=$f bs=1 conv=notrunc status=none "
	  "seek=$(($(stat -c %s $f) - 17))",
	    "is damaged: a frame has an impossible size" },
};

static int
read_whole(struct error *err)
{
	cleanup_log_reader struct log_reader *r = NULL;
	cleanup_free char *data = xmalloc(100000);
	int64_t offset = 0;
	size_t got = 0;

	if (log_reader_open(logs, JOB, &r, err) < 0)
		return err->code;
	do {
		if (log_reader_read(r, offset, data, 100000, &got, err) < 0)
			return err->code;
		offset += (int64_t)got;
	} while (got > 0);
	return 0;
}

START_TEST(damage_is_an_error_not_a_crash)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	make_text(&text, 30000);
	append_in_pieces(&text);
	compress_log();
	fixture_sh(root, "cd 12; f=12345.log.zst; %s", damages[_i].spoil);
	ck_assert_int_eq(read_whole(&err), ERR_INVALID);
	ck_assert_msg(strstr(err.msg, damages[_i].want) != NULL, "%s", err.msg);
}
END_TEST

/* ---- size ------------------------------------------------------------------ */

static double
seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Slowest of many ways to a line somewhere, and reading 100 lines there. */
static double
slowest_line(int64_t lines)
{
	cleanup_buf struct buf got = BUF_INIT;
	double worst = 0;

	for (int64_t i = 0; i < 50; i++) {
		double start = seconds();
		struct log_range range = find_lines(lines * i / 50, 100);

		read_range(range.offset, (size_t)range.len, &got);
		if (seconds() - start > worst)
			worst = seconds() - start;
	}
	return worst;
}

/* The whole count in make soak; the sanitizers' own cost is why 50 ms are 500 here. */
START_TEST(any_line_of_a_long_log_is_near)
{
	int64_t lines = getenv("SOAK") != NULL ? 10000000 : 1000000;
	cleanup_buf struct buf text = BUF_INIT;
	double plain, compressed;

	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "%-99d\n", i);
	for (int64_t i = 0; i < lines / 10000; i++)
		append(text.data, text.len);
	plain = slowest_line(lines);
	compress_log();
	compressed = slowest_line(lines);
	printf("100 lines of %" PRId64 ": %.1f ms, compressed %.1f ms\n", lines,
	    plain * 1e3, compressed * 1e3);
	ck_assert(plain < 0.5 && compressed < 0.5);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log_store");
	TCase *tc = tcase_create("log_store");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_log_that_is_not_there_is_empty);
	tcase_add_test(tc, size_lines_and_crc_go_along);
	tcase_add_test(tc, a_restart_takes_a_log_up);
	tcase_add_loop_test(tc, a_lost_index_is_made_again, 0, ARRAY_LEN(lost_indexes));
	tcase_add_test(tc, other_offsets_are_refused);
	tcase_add_test(tc, many_logs_at_a_time);
	tcase_add_test(tc, a_full_disk_leaves_the_log_whole);
	tcase_add_loop_test(tc, finds_lines, 0, ARRAY_LEN(windows));
	tcase_add_test(tc, plain_and_compressed_read_the_same);
	tcase_add_test(tc, any_zstd_reads_it);
	tcase_add_test(tc, a_reader_outlives_compression_and_erasure);
	tcase_add_test(tc, a_reader_sees_what_is_added);
	tcase_add_test(tc, nothing_is_added_to_a_compressed_log);
	tcase_add_test(tc, compressing_twice_is_harmless);
	tcase_add_test(tc, an_erased_log_is_gone);
	tcase_add_loop_test(tc, damage_is_an_error_not_a_crash, 0, ARRAY_LEN(damages));
	tcase_add_test(tc, any_line_of_a_long_log_is_near);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
