/* Files that are sent with a packet. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/descriptors.h"

struct pair {
	int ends[2], files[DESCRIPTORS_MAX];
};

static void
open_pair(struct pair *p)
{
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->ends), 0);
	for (int i = 0; i < DESCRIPTORS_MAX; i++)
		ck_assert_int_ge(
		    p->files[i] = open(i % 2 ? "/dev/null" : "/", O_RDONLY | O_CLOEXEC),
		    0);
}

static void
close_pair(struct pair *p)
{
	for (int i = 0; i < 2; i++)
		close(p->ends[i]);
	for (int i = 0; i < DESCRIPTORS_MAX; i++)
		close(p->files[i]);
}

static int
count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void
send_some(struct pair *p, size_t count)
{
	char pac[] = "pac", ket[] = "ket";
	const struct iovec parts[] = { { pac, 3 }, { ket, sizeof(ket) } };

	ck_assert_int_eq(
	    descriptors_send(p->ends[0], parts, 2, p->files, count, MSG_DONTWAIT), 7);
}

static void
check_same(int a, int b)
{
	struct stat x, y;

	ck_assert_int_eq(fstat(a, &x), 0);
	ck_assert_int_eq(fstat(b, &y), 0);
	ck_assert(x.st_dev == y.st_dev && x.st_ino == y.st_ino);
	ck_assert_int_eq(fcntl(a, F_GETFD), FD_CLOEXEC);
}

/* Sent: the number of this round; wanted: each number there can be. */
START_TEST(those_wanted_come_and_the_others_are_closed)
{
	const size_t sent = (size_t)_i;

	for (size_t want = 0; want <= DESCRIPTORS_MAX; want++) {
		int got[DESCRIPTORS_MAX] = { 7, 7, 7, 7 }, before;
		char text[16];
		struct pair p;

		open_pair(&p);
		before = count_open();
		send_some(&p, sent);
		ck_assert_int_eq(descriptors_receive(p.ends[1], text, sizeof(text), got,
				     want, MSG_DONTWAIT),
		    7);
		ck_assert_str_eq(text, "packet");
		for (size_t i = 0; i < DESCRIPTORS_MAX; i++)
			if (i >= want)
				ck_assert_int_eq(got[i], 7);
			else if (i >= sent)
				ck_assert_int_eq(got[i], -1);
			else {
				check_same(got[i], p.files[i]);
				close(got[i]);
			}
		ck_assert_int_eq(count_open(), before);
		close_pair(&p);
	}
}
END_TEST

START_TEST(none_now_and_none_ever)
{
	int got[2] = { 7, 7 };
	char text[16];
	struct pair p;

	open_pair(&p);
	ck_assert_int_eq(
	    descriptors_receive(p.ends[1], text, sizeof(text), got, 2, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert(got[0] == -1 && got[1] == -1);
	close(p.ends[0]);
	p.ends[0] = dup(p.files[0]);
	ck_assert_int_eq(
	    descriptors_receive(p.ends[1], text, sizeof(text), got, 2, 0), 0);
	close_pair(&p);
}
END_TEST

/* Also by an end that has not read what it was sent. */
START_TEST(what_was_said_before_the_end_is_heard)
{
	cleanup_close int ended = -1;
	struct pair p;
	char text[16];
	int got[2];

	open_pair(&p);
	send_some(&p, 1);
	send_some(&p, 0);
	ck_assert_int_eq(send(p.ends[1], "unread", 6, 0), 6);
	close(p.ends[0]);
	p.ends[0] = dup(p.files[0]);
	ck_assert_int_eq(
	    descriptors_receive(p.ends[1], text, sizeof(text), got, 2, 0), 7);
	ended = got[0];
	ck_assert_int_ge(ended, 0);
	ck_assert_int_eq(
	    descriptors_receive_text(p.ends[1], text, sizeof(text), MSG_DONTWAIT), 7);
	ck_assert_int_eq(
	    descriptors_receive_text(p.ends[1], text, sizeof(text), MSG_DONTWAIT), 0);
	close_pair(&p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("descriptors");
	TCase *tc = tcase_create("descriptors");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
	    tc, those_wanted_come_and_the_others_are_closed, 0, DESCRIPTORS_MAX + 1);
	tcase_add_test(tc, none_now_and_none_ever);
	tcase_add_test(tc, what_was_said_before_the_end_is_heard);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
