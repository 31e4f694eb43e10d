/* Packing and unpacking, honest files and hostile archives. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/path.h"
#include "tests/unit/fixture.h"

#define NS INT64_C(1000000000)
#define KEEP_TIMES .not_before_ns = INT64_MIN

static int
open_dir(const char *root, const char *name)
{
	cleanup_free char *path = path_join(root, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

static int
open_file(const char *root, const char *name, int flags)
{
	cleanup_free char *path = path_join(root, name);
	int fd = open(path, flags | O_CLOEXEC, 0600);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

/* Everything in ROOT/from goes into ROOT/a. */
static struct archive_totals
pack_all(const char *root, int64_t shift_ns)
{
	cleanup_free char *list =
	    fixture_ask(root, "cd from && find . -mindepth 1 | sort");
	cleanup_close int dir = open_dir(root, "from");
	cleanup_close int fd = open_file(root, "a", O_WRONLY | O_CREAT | O_TRUNC);
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	struct archive_pack p = { dir, &paths, shift_ns, 1, NULL };
	struct archive_totals totals = { 0, 0 };
	struct error err = ERROR_INIT;
	char *save = NULL;

	for (char *s = strtok_r(list, "\n", &save); s != NULL;
	     s = strtok_r(NULL, "\n", &save))
		strlist_add(&paths, s + 2);
	if (archive_pack(&p, fd, &totals, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return totals;
}

static int
try_unpack(const char *root, struct archive_unpack *u, struct error *err)
{
	cleanup_close int dir = open_dir(root, "to");
	cleanup_close int fd = open_file(root, "a", O_RDONLY);

	u->dir_fd = dir;
	return archive_unpack(u, fd, NULL, err);
}

static void
unpack(const char *root)
{
	struct archive_unpack u = { KEEP_TIMES };
	struct error err = ERROR_INIT;

	if (try_unpack(root, &u, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static char *
make_files(void)
{
	char *root = fixture_open();

	fixture_sh(root,
	    "mkdir -p to from/dir/empty from/dir/deep && cd from && echo one >dir/file && "
	    "printf '#!' >dir/run && chmod 751 dir/run && chmod 755 dir && chmod 555 "
	    "dir/deep && ln -s ../nöwhere dir/link && : >dir/nothing && echo u >dir/ünï && "
	    "head -c 1000000 /dev/urandom >large && echo x >\"$(printf 'ü\\377\\n')\" && "
	    "echo y >n$(printf '%%0150d' 7) && mkfifo dir/pipe && "
	    "touch -d '2020-02-03 04:05:06.123456789' dir/file && "
	    "touch -d 2021-01-01 dir/deep");
	return root;
}

START_TEST(what_comes_out_is_what_went_in)
{
	cleanup_fixture char *root = make_files();

	pack_all(root, 0);
	unpack(root);
	fixture_sh(root, "rm from/dir/pipe && diff -r --no-dereference from to");
}
END_TEST

START_TEST(modes_and_times_come_out)
{
	cleanup_fixture char *root = make_files();
	cleanup_free char *want = NULL, *got = NULL;

	pack_all(root, 0);
	unpack(root);
	want = fixture_ask(
	    root, "cd from && stat -c '%%n %%a %%y' dir/file dir/run dir/link");
	got =
	    fixture_ask(root, "cd to && stat -c '%%n %%a %%y' dir/file dir/run dir/link");
	ck_assert_str_eq(got, want);
}
END_TEST

START_TEST(times_of_folders_come_out)
{
	cleanup_fixture char *root = make_files();
	cleanup_free char *got = NULL;

	pack_all(root, 0);
	unpack(root);
	got = fixture_ask(root, "date -u -r to/dir/deep +%%F");
	ck_assert_str_eq(got, "2021-01-01");
}
END_TEST

START_TEST(totals_are_counted)
{
	cleanup_fixture char *root = make_files();
	struct archive_totals t = pack_all(root, 0);

	ck_assert_uint_eq(t.files, 8);
	ck_assert_int_eq(t.bytes, 4 + 2 + 0 + 2 + 1000000 + 2 + 2);
}
END_TEST

START_TEST(hard_links_stay_together)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *got = NULL;

	fixture_sh(root, "mkdir -p to from/b && echo 1 >from/a && ln from/a from/b/c");
	pack_all(root, 0);
	unpack(root);
	got = fixture_ask(root,
	    "cat to/a to/b/c && stat -c %%h to/a && "
	    "test to/a -ef to/b/c && echo same");
	ck_assert_str_eq(got, "1\n1\n2\nsame");
}
END_TEST

START_TEST(setuid_is_dropped)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *got = NULL;

	fixture_sh(root, "mkdir to from && : >from/a && chmod 6755 from/a");
	pack_all(root, 0);
	unpack(root);
	got = fixture_ask(root, "stat -c %%a to/a");
	ck_assert_str_eq(got, "755");
}
END_TEST

START_TEST(times_are_shifted_when_packed)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *got = NULL;

	fixture_sh(
	    root, "mkdir to from && touch -d @1000.5 from/a && touch -d @5 from/b");
	pack_all(root, -10 * NS);
	unpack(root);
	got = fixture_ask(root, "stat -c %%.9Y to/a to/b | xargs");
	ck_assert_str_eq(got, "990.500000000 0.000000000");
}
END_TEST

START_TEST(times_are_shifted_and_bounded_when_unpacked)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *got = NULL;
	struct archive_unpack u = { .shift_ns = 10 * NS, .not_before_ns = 500 * NS };
	struct error err = ERROR_INIT;

	fixture_sh(root,
	    "mkdir -p to from/d && touch -d @1000.5 from/a from/d && "
	    "touch -d @5 from/b && ln -s x from/l && touch -hd @7 from/l");
	pack_all(root, 0);
	ck_assert_msg(try_unpack(root, &u, &err) == 0, "%s", err.msg);
	got = fixture_ask(root, "cd to; stat -c %%.1Y a b d l | xargs");
	ck_assert_str_eq(got, "1010.5 500.0 1010.5 500.0");
}
END_TEST

/* What may be where an entry goes, and what is there after. */
static const struct {
	const char *before, *after;
} obstacles[] = {
	{ "echo old >to/dir", "test -d to/dir" },
	{ "mkdir to/dir && echo old >to/dir/file", "grep -q one to/dir/file" },
	{ "mkdir to/dir && ln -s ../../keep to/dir/file",
	    "grep -q one to/dir/file && ! test -h to/dir/file && grep -q mine keep" },
	{ "mkdir away && ln -s ../away to/dir",
	    "test -d to/dir && ! test -h to/dir && ! ls away | grep -q ." },
	{ "mkdir -p to/dir/file", "grep -q one to/dir/file" },
	{ "mkdir -p to/dir/file/full", "test -d to/dir/file/full" },
	{ "mkdir to/dir && ln keep to/dir/file", "grep -q mine keep" },
	{ "mkdir to/dir && mkfifo to/dir/file", "test -f to/dir/file" },
};

START_TEST(what_is_in_the_way_is_replaced)
{
	cleanup_fixture char *root = fixture_open();

	fixture_sh(
	    root, "mkdir -p to from/dir && echo one >from/dir/file && echo mine >keep");
	fixture_sh(root, "%s", obstacles[_i].before);
	pack_all(root, 0);
	unpack(root);
	fixture_sh(root, "%s", obstacles[_i].after);
}
END_TEST

/* A tar entry by hand: honest programs do not write such ones. */
static void
add_entry(
    struct buf *tar, const char *name, char type, const char *link, const char *content)
{
	char block[512] = "";
	unsigned sum = 0;
	size_t len = strlen(content);

	(void)snprintf(block, 100, "%s", name);
	(void)snprintf(block + 100, 8, "%07o", 0644u);
	(void)snprintf(block + 108, 8, "%07o", 0u);
	(void)snprintf(block + 116, 8, "%07o", 0u);
	(void)snprintf(block + 124, 12, "%011o", (unsigned)len & 0777u);
	(void)snprintf(block + 136, 12, "%011o", 1000000000u);
	memset(block + 148, ' ', 8);
	block[156] = type;
	(void)snprintf(block + 157, 100, "%s", link);
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += (unsigned char)block[i];
	(void)snprintf(block + 148, 8, "%06o", sum);
	buf_add(tar, block, sizeof(block));
	memset(block, 0, sizeof(block));
	memcpy(block, content, len);
	if (len > 0)
		buf_add(tar, block, sizeof(block));
}

static void
write_tar(const char *root, struct buf *tar)
{
	cleanup_free char *path = path_join(root, "a");
	struct error err = ERROR_INIT;
	char end[1024] = "";

	buf_add(tar, end, sizeof(end));
	if (path_write_file(path, tar->data, tar->len, 0600, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static const struct {
	struct {
		const char *name;
		char type;
		const char *link;
	} entries[3];
	const char *warning;
} attacks[] = {
	{ { { "../evil", '0', "" } }, "points outside" },
	{ { { "x/../../evil", '0', "" } }, "points outside" },
	{ { { "x/..", '5', "" } }, "points outside" },
	{ { { "/tmp/pawl-evil", '0', "" } }, "points outside" },
	{ { { "..", '2', "/" } }, "points outside" },
	{ { { "up", '2', ".." }, { "up/evil", '0', "" } }, "" },
	{ { { "up", '2', "/tmp" }, { "up/pawl-evil/x", '0', "" } }, "" },
	{ { { "up", '2', "../keep" }, { "up", '0', "" } }, "" },
	{ { { "hard", '1', "../keep" } }, "no file it could be" },
	{ { { "up", '2', ".." }, { "hard", '1', "up/keep" } }, "no file it could be" },
	{ { { "up", '2', "../keep" }, { "hard", '1', "up" } }, "no file it could be" },
	{ { { "null", '3', "" } }, "no file, link or folder" },
	{ { { "disk", '4', "" } }, "no file, link or folder" },
	{ { { "pipe", '6', "" } }, "no file, link or folder" },
};

START_TEST(attack_stays_inside)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_buf struct buf tar = BUF_INIT, log = BUF_INIT;
	struct archive_unpack u = { KEEP_TIMES, .log = &log };
	struct error err = ERROR_INIT;

	fixture_sh(root, "mkdir to && echo mine >keep");
	for (size_t i = 0; i < 3 && attacks[_i].entries[i].name != NULL; i++)
		add_entry(&tar, attacks[_i].entries[i].name, attacks[_i].entries[i].type,
		    attacks[_i].entries[i].link,
		    attacks[_i].entries[i].type == '0' ? "evil" : "");
	write_tar(root, &tar);
	ck_assert_msg(try_unpack(root, &u, &err) == 0, "%s", err.msg);
	ck_assert_msg(
	    strstr(buf_str(&log), attacks[_i].warning) != NULL, "%s", buf_str(&log));
	fixture_sh(root,
	    "! test -e evil && ! test -e /tmp/pawl-evil && grep -qx mine keep "
	    "&& test $(stat -c %%h keep) = 1 && ! ls to/pipe to/null to/disk");
}
END_TEST

START_TEST(harmless_dots_are_names)
{
	cleanup_fixture char *root = fixture_open();

	fixture_sh(root,
	    "mkdir -p to from/..a from/b.. && echo 1 >from/..a/...x && "
	    "echo 2 >from/b../c..d");
	pack_all(root, 0);
	unpack(root);
	fixture_sh(root, "diff -r from to");
}
END_TEST

START_TEST(many_warnings_are_cut_short)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_buf struct buf tar = BUF_INIT, log = BUF_INIT;
	struct archive_unpack u = { KEEP_TIMES, .log = &log };
	struct error err = ERROR_INIT;

	fixture_sh(root, "mkdir to");
	for (int i = 0; i < 1000; i++)
		add_entry(&tar, "../evil", '0', "", "evil");
	write_tar(root, &tar);
	ck_assert_msg(try_unpack(root, &u, &err) == 0, "%s", err.msg);
	ck_assert_uint_lt(log.len, 4096);
	ck_assert_ptr_nonnull(strstr(buf_str(&log), "more entries are left out"));
}
END_TEST

static const char *const damages[] = {
	"truncate -s -100 a",
	"truncate -s 30 a",
	"head -c 5000 /dev/urandom >a",
};

START_TEST(damage_is_said)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_strlist struct strlist made = STRLIST_INIT;
	struct archive_unpack u = { KEEP_TIMES, .made = &made };
	struct error err = ERROR_INIT;

	fixture_sh(root, "mkdir to from && head -c 100000 /dev/urandom >from/x");
	pack_all(root, 0);
	fixture_sh(root, "%s", damages[_i]);
	ck_assert_int_eq(try_unpack(root, &u, &err), ERR_INVALID);
	ck_assert_uint_le(made.count, 1); /* who is to remove it knows of it */
	fixture_sh(root, made.count == 0 ? "! test -e to/x" : "test -e to/x");
}
END_TEST

START_TEST(cancel_ends_both_ways)
{
	cleanup_fixture char *root = make_files();
	cleanup_close int fd = open_file(root, "b", O_WRONLY | O_CREAT);
	cleanup_close int dir = open_dir(root, "from");
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	atomic_bool cancel = true;
	struct archive_pack p = { dir, &paths, 0, 1, &cancel };
	struct archive_unpack u = { KEEP_TIMES, .cancel = &cancel };
	struct error err = ERROR_INIT;

	strlist_add(&paths, "large");
	ck_assert_int_eq(archive_pack(&p, fd, NULL, &err), ERR_CANCELED);
	pack_all(root, 0);
	ck_assert_int_eq(try_unpack(root, &u, &err), ERR_CANCELED);
}
END_TEST

START_TEST(full_disk_is_said)
{
	cleanup_fixture char *root = make_files();
	cleanup_close int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	cleanup_close int dir = open_dir(root, "from");
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	struct archive_pack p = { dir, &paths, 0, 1, NULL };
	struct error err = ERROR_INIT;

	strlist_add(&paths, "large");
	ck_assert_int_eq(archive_pack(&p, fd, NULL, &err), ERR_ENVIRONMENT);
	ck_assert_msg(strstr(err.msg, "disk is full") != NULL, "%s", err.msg);
}
END_TEST

/* Little of it is written before it is known. */
START_TEST(a_limit_ends_packing)
{
	cleanup_fixture char *root = make_files();
	cleanup_close int fd = open_file(root, "a", O_RDWR | O_CREAT);
	cleanup_close int dir = open_dir(root, "from");
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	struct archive_pack p = {
		.dir_fd = dir, .paths = &paths, .level = 1, .max_bytes = 300000
	};
	struct error err = ERROR_INIT;

	p.format = _i == 0 ? ARCHIVE_ZIP : ARCHIVE_TAR_ZSTD;
	strlist_add(&paths, "large");
	ck_assert_int_eq(archive_pack(&p, fd, NULL, &err), ERR_LIMIT);
	ck_assert_int_lt(lseek(fd, 0, SEEK_END), 800000);
	p.max_bytes = 1100000;
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(archive_pack(&p, fd, NULL, &err), 0);
}
END_TEST

START_TEST(a_limit_ends_unpacking)
{
	cleanup_fixture char *root = fixture_open();
	struct archive_unpack u = { KEEP_TIMES, .max_bytes = 1000000 };
	struct error err = ERROR_INIT;

	fixture_sh(root, "mkdir to from && head -c 50000000 /dev/zero >from/bomb");
	pack_all(root, 0);
	ck_assert_int_eq(try_unpack(root, &u, &err), ERR_LIMIT);
	fixture_sh(root,
	    "test $(stat -c %%s a) -lt 100000 && "
	    "test $(stat -c %%s to/bomb) -le 1000000");
	u.max_bytes = 50000000;
	ck_assert_int_eq(try_unpack(root, &u, &err), 0);
}
END_TEST

START_TEST(one_file_can_be_read)
{
	cleanup_fixture char *root = make_files();
	cleanup_close int one = -1, two = -1, three = -1;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	pack_all(root, 0);
	one = open_file(root, "a", O_RDONLY);
	two = open_file(root, "a", O_RDONLY);
	three = open_file(root, "a", O_RDONLY);
	ck_assert_int_eq(archive_read_file(one, "dir/file", 100, &text, &err), 0);
	ck_assert_str_eq(buf_str(&text), "one\n");
	ck_assert_int_eq(archive_read_file(two, "dir", 100, &text, &err), ERR_MISSING);
	ck_assert_int_eq(archive_read_file(three, "large", 100, &text, &err), ERR_LIMIT);
}
END_TEST

static bool
note_listed(const struct archive_listed *e, void *data)
{
	struct buf *out = data;

	if (str_starts(e->path, "dir") && strlen(e->path) < 20)
		buf_printf(out, "%s %s %o %" PRId64 "\n", e->path,
		    e->is_folder     ? "folder"
			: e->is_link ? "link"
				     : "file",
		    e->mode, e->size);
	return !str_eq(e->path, "large");
}

START_TEST(what_is_in_it_can_be_listed)
{
	cleanup_fixture char *root = make_files();
	cleanup_close int fd = -1;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	pack_all(root, 0);
	fd = open_file(root, "a", O_RDONLY);
	ck_assert_int_eq(archive_list(fd, note_listed, &text, &err), 0);
	ck_assert_str_eq(buf_str(&text),
	    "dir folder 755 0\ndir/deep folder 555 0\ndir/empty folder 755 0\n"
	    "dir/file file 644 4\ndir/link link 777 0\ndir/nothing file 644 0\n"
	    "dir/run file 751 2\ndir/ünï file 644 2\n");
}
END_TEST

START_TEST(no_archive_is_not_listed)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_close int fd = -1;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	fixture_sh(root, "head -c 5000 /dev/zero | tr '\\0' x >a");
	fd = open_file(root, "a", O_RDONLY);
	ck_assert_int_eq(archive_list(fd, note_listed, &text, &err), ERR_INVALID);
}
END_TEST

START_TEST(memory_stays_flat)
{
	cleanup_fixture char *root = fixture_open();
	struct rusage before, after;

	fixture_sh(root, "mkdir to from && truncate -s 300M from/large");
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &before), 0);
	pack_all(root, 0);
	unpack(root);
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &after), 0);
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 100 * 1024);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *suite = suite_create("archive");
	TCase *honest = tcase_create("honest"), *hostile = tcase_create("hostile");

	tcase_set_timeout(honest, 60);
	tcase_add_test(honest, what_comes_out_is_what_went_in);
	tcase_add_test(honest, modes_and_times_come_out);
	tcase_add_test(honest, times_of_folders_come_out);
	tcase_add_test(honest, totals_are_counted);
	tcase_add_test(honest, hard_links_stay_together);
	tcase_add_test(honest, setuid_is_dropped);
	tcase_add_test(honest, times_are_shifted_when_packed);
	tcase_add_test(honest, times_are_shifted_and_bounded_when_unpacked);
	tcase_add_loop_test(
	    honest, what_is_in_the_way_is_replaced, 0, (int)ARRAY_LEN(obstacles));
	tcase_add_test(honest, one_file_can_be_read);
	tcase_add_test(honest, what_is_in_it_can_be_listed);
	tcase_add_test(honest, no_archive_is_not_listed);
	tcase_add_test(honest, memory_stays_flat);
	tcase_set_timeout(hostile, 60);
	tcase_add_loop_test(hostile, attack_stays_inside, 0, (int)ARRAY_LEN(attacks));
	tcase_add_test(hostile, harmless_dots_are_names);
	tcase_add_test(hostile, many_warnings_are_cut_short);
	tcase_add_loop_test(hostile, damage_is_said, 0, (int)ARRAY_LEN(damages));
	tcase_add_test(hostile, cancel_ends_both_ways);
	tcase_add_test(hostile, full_disk_is_said);
	tcase_add_loop_test(hostile, a_limit_ends_packing, 0, 2);
	tcase_add_test(hostile, a_limit_ends_unpacking);
	suite_add_tcase(suite, honest);
	suite_add_tcase(suite, hostile);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(make_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
