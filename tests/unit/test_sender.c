/* Telling a server of a job: its log arrives whole, whatever happens on the way. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include "base/crc32.h"
#include "base/http_client.h"
#include "base/path.h"
#include "base/str.h"
#include "runner/sender.h"
#include "tests/unit/fake_server.h"
#include "tests/unit/fixture.h"

/*
 * A server as GitLab's: it appends a patch that begins where its log ends, and answers
 * every other one with its length. What goes wrong is said by the fields.
 */
struct scene {
	char *root, *spool, *api;
	uv_loop_t loop;
	struct http_client *client;
	struct fake_server *server;
	int port;
	struct sender *sender;

	struct buf log; /* what the server has */
	unsigned patches, touches, ends;
	bool asks; /* the next PUT is the acceptance */
	char *last_put;
	/* the next so many requests are … */
	unsigned lose;   /* … done, and their answer is lost */
	unsigned refuse; /* … answered with refusal, and not done */
	int refusal;
	const char *status;   /* Job-Status of every answer; NULL: running */
	const char *interval; /* X-GitLab-Trace-Update-Interval; NULL: none */
	int end_status;       /* of the first final PUT; 0: 200 */
	int accept_status;

	/* what the sender said */
	int accepted; /* -1: nothing yet */
	unsigned cancels, aborts;
	bool done;
	enum sender_outcome outcome;
};

static bool
is_lost(struct scene *s)
{
	if (s->lose == 0)
		return false;
	s->lose--;
	return true;
}

static void
answer(struct scene *s, struct buf *reply, int status, const char *more)
{
	cleanup_free char *headers = xasprintf("Job-Status: %s\r\n%s%s%s%s",
	    s->status != NULL ? s->status : "running",
	    s->interval != NULL ? "X-GitLab-Trace-Update-Interval: " : "",
	    s->interval != NULL ? s->interval : "", s->interval != NULL ? "\r\n" : "",
	    more);

	fake_reply(reply, status, headers, "");
}

static enum fake_deed
on_patch(struct scene *s, const struct fake_request *r, struct buf *reply)
{
	cleanup_free char *range = fake_header(r, "Content-Range"), *has = NULL;
	cleanup_free char *token = fake_header(r, "JOB-TOKEN");
	int status = 202;

	ck_assert_str_eq(token, "jt");
	s->patches++;
	if (strtoul(range, NULL, 10) == s->log.len)
		buf_add(&s->log, r->body, r->len);
	else
		status = 416;
	if (is_lost(s))
		return FAKE_DROP;
	has = xasprintf("Range: 0-%zu\r\n", s->log.len);
	answer(s, reply, status, has);
	return FAKE_ANSWER;
}

static enum fake_deed
on_put(struct scene *s, const struct fake_request *r, struct buf *reply)
{
	bool running = strstr(r->body, "\"state\":\"running\"") != NULL;
	int status = 200;

	free(s->last_put);
	s->last_put = xstrdup(r->body);
	if (running && s->asks) {
		s->asks = false;
		status = s->accept_status != 0 ? s->accept_status : 200;
	} else if (running) {
		s->touches++;
	} else {
		s->ends++;
		status = s->end_status != 0 ? s->end_status : 200;
		s->end_status = 0;
		if (status == 412)
			buf_reset(&s->log);
	}
	if (is_lost(s))
		return FAKE_DROP;
	answer(s, reply, status, "");
	return FAKE_ANSWER;
}

static enum fake_deed
handle(const struct fake_request *r, struct buf *reply, void *data)
{
	struct scene *s = data;

	if (s->refuse > 0) {
		s->refuse--;
		fake_reply(reply, s->refusal, "", "{\"message\":\"no\"}");
		return FAKE_ANSWER;
	}
	return str_eq(r->method, "PATCH") ? on_patch(s, r, reply) : on_put(s, r, reply);
}

static void
on_accepted(bool accepted, void *data)
{
	((struct scene *)data)->accepted = accepted;
}

static void
on_cancel(bool force, void *data)
{
	struct scene *s = data;

	s->cancels += !force;
	s->aborts += force;
}

static void
on_done(enum sender_outcome outcome, void *data)
{
	struct scene *s = data;

	s->done = true;
	s->outcome = outcome;
	sender_free(s->sender);
	s->sender = NULL;
}

static void
open_scene(struct scene *s, bool is_resumed)
{
	struct http_client_options o = { .user_agent = "test" };
	struct sender_events events = { on_accepted, on_cancel, on_done, s };
	struct sender_target target = { .job = 7,
		.token = "jt",
		.is_resumed = is_resumed,
		.heartbeat_ms = 100,
		.retry_ms = 5 };
	struct error err = ERROR_INIT;

	*s = (struct scene){ .accepted = -1, .interval = "1" };
	s->root = fixture_open();
	s->spool = path_join(s->root, "spool");
	uv_loop_init(&s->loop);
	s->server = fake_server_open(&s->loop, NULL, 0, handle, s);
	s->port = fake_server_port(s->server);
	s->api = xasprintf("http://127.0.0.1:%d/api/v4", s->port);
	if (http_client_new(&s->loop, &o, &s->client, &err) < 0)
		ck_abort_msg("%s", err.msg);
	target.loop = &s->loop;
	target.client = s->client;
	target.api = s->api;
	target.spool = s->spool;
	s->sender = sender_new(&target, &events);
}

static void
close_scene(struct scene *s)
{
	sender_free(s->sender);
	http_client_free(s->client);
	if (s->server != NULL)
		fake_server_close(s->server);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&s->loop), 0);
	buf_clear(&s->log);
	free(s->last_put);
	free(s->spool);
	free(s->api);
	fixture_close(s->root);
}

/* More of the log; it is final at once. */
static void
print(struct scene *s, const char *text)
{
	int fd = open(s->spool, O_WRONLY | O_CREAT | O_APPEND, 0600);
	struct error err = ERROR_INIT;

	ck_assert_int_ge(fd, 0);
	ck_assert_msg(path_write_fd(fd, text, strlen(text)) == 0, "%s", err.msg);
	sender_grow(s->sender, (uint64_t)lseek(fd, 0, SEEK_END));
	close(fd);
}

#define wait_until(s, condition)                                                         \
	do {                                                                             \
		uint64_t until_ = uv_hrtime() + UINT64_C(10000000000);                   \
		uv_timer_t tick_;                                                        \
		start_tick((s), &tick_);                                                 \
		while (!(condition)) {                                                   \
			ck_assert_msg(uv_hrtime() < until_, "never: %s", #condition);    \
			uv_run(&(s)->loop, UV_RUN_ONCE);                                 \
		}                                                                        \
		stop_tick((s), &tick_);                                                  \
	} while (0)

static void
on_tick(uv_timer_t *timer UNUSED)
{
}

static void
start_tick(struct scene *s, uv_timer_t *tick)
{
	uv_timer_init(&s->loop, tick);
	uv_timer_start(tick, on_tick, 10, 10);
}

static void
stop_tick(struct scene *s, uv_timer_t *tick)
{
	uv_close((uv_handle_t *)tick, NULL);
	uv_run(&s->loop, UV_RUN_NOWAIT);
}

static void
finish(struct scene *s, bool success)
{
	struct sender_end end = { .success = success,
		.failure_reason = success ? NULL : "script_failure",
		.exit_code = success ? 0 : 3 };

	sender_finish(s->sender, &end);
	wait_until(s, s->done);
}

/* ---- the acceptance ---- */

static const struct {
	int status;
	const char *job;
	bool want;
} acceptances[] = {
	{ 200, NULL, true },
	{ 500, NULL, true },
	{ 403, NULL, false },
	{ 404, NULL, false },
	{ 200, "canceled", false },
	{ 200, "failed", false },
};

START_TEST(job_is_ours_unless_refused)
{
	struct scene s;

	open_scene(&s, false);
	s.accept_status = acceptances[_i].status;
	s.status = acceptances[_i].job;
	s.asks = true;
	sender_accept(s.sender);
	wait_until(&s, s.accepted >= 0);
	ck_assert_int_eq(s.accepted, acceptances[_i].want);
	ck_assert_ptr_nonnull(strstr(s.last_put, "\"state\":\"running\",\"output\":{}"));
	close_scene(&s);
}
END_TEST

START_TEST(unanswered_acceptance_is_one)
{
	struct scene s;

	open_scene(&s, false);
	s.lose = 1;
	s.asks = true;
	sender_accept(s.sender);
	wait_until(&s, s.accepted >= 0);
	ck_assert_int_eq(s.accepted, 1);
	close_scene(&s);
}
END_TEST

START_TEST(job_canceled_before_it_began_hears_of_it)
{
	struct scene s;

	open_scene(&s, false);
	s.status = "canceling";
	s.asks = true;
	sender_accept(s.sender);
	wait_until(&s, s.cancels == 1);
	close_scene(&s);
}
END_TEST

/* ---- the log ---- */

START_TEST(log_and_end_are_told)
{
	struct scene s;
	char want[128];
	struct crc32 crc;

	open_scene(&s, false);
	sender_start(s.sender);
	print(&s, "one\n");
	wait_until(&s, s.log.len == 4);
	print(&s, "two\n");
	finish(&s, false);
	ck_assert_int_eq(s.outcome, SENDER_TOLD);
	ck_assert_str_eq(buf_str(&s.log), "one\ntwo\n");
	crc32_init(&crc);
	crc32_add(&crc, "one\ntwo\n", 8);
	(void)snprintf(want, sizeof(want),
	    "\"output\":{\"checksum\":\"crc32:%08x\",\"bytesize\":8},\"exit_code\":3",
	    crc32_value(&crc));
	ck_assert_msg(strstr(s.last_put, want) != NULL, "%s", s.last_put);
	ck_assert_ptr_nonnull(
	    strstr(s.last_put, "\"failure_reason\":\"script_failure\""));
	close_scene(&s);
}
END_TEST

START_TEST(success_has_no_reason)
{
	struct scene s;

	open_scene(&s, false);
	sender_start(s.sender);
	finish(&s, true);
	ck_assert_ptr_nonnull(strstr(s.last_put, "\"state\":\"success\""));
	ck_assert_ptr_null(strstr(s.last_put, "failure_reason"));
	ck_assert_uint_eq(s.patches, 0);
	close_scene(&s);
}
END_TEST

START_TEST(first_bytes_do_not_wait)
{
	struct scene s;
	uint64_t begin;

	open_scene(&s, false);
	s.interval = "900";
	sender_start(s.sender);
	begin = uv_hrtime();
	print(&s, "one\n");
	wait_until(&s, s.log.len == 4);
	ck_assert_uint_lt(uv_hrtime() - begin, UINT64_C(2500000000));
	close_scene(&s);
}
END_TEST

START_TEST(later_bytes_keep_to_the_interval)
{
	struct scene s;

	open_scene(&s, false);
	sender_start(s.sender);
	print(&s, "1");
	wait_until(&s, s.log.len == 1);
	print(&s, "2");
	wait_until(&s, s.touches == 2); /* 200 ms */
	ck_assert_uint_eq(s.patches, 1);
	wait_until(&s, s.log.len == 2);
	close_scene(&s);
}
END_TEST

START_TEST(long_log_goes_in_parts)
{
	cleanup_free char *text = xmalloc((3 << 20) + 1);
	struct scene s;

	open_scene(&s, false);
	memset(text, 'x', 3 << 20);
	text[3 << 20] = '\0';
	sender_start(s.sender);
	print(&s, text);
	finish(&s, true);
	ck_assert_uint_eq(s.patches, 3);
	ck_assert_uint_eq(s.log.len, 3 << 20);
	close_scene(&s);
}
END_TEST

START_TEST(lost_answer_doubles_nothing)
{
	struct scene s;

	open_scene(&s, false);
	s.lose = 1;
	sender_start(s.sender);
	print(&s, "one\n");
	wait_until(&s, s.patches == 2); /* the second is answered with 416 */
	print(&s, "two\n");
	finish(&s, true);
	ck_assert_str_eq(buf_str(&s.log), "one\ntwo\n");
	ck_assert_int_eq(s.outcome, SENDER_TOLD);
	close_scene(&s);
}
END_TEST

static const int refusals[] = { 404, 429, 500, 502, 503 };

START_TEST(refused_patch_is_sent_again)
{
	struct scene s;

	open_scene(&s, false);
	s.refuse = refusals[_i] == 404 ? 1 : 3; /* a heartbeat must not meet that one */
	s.refusal = refusals[_i];
	sender_start(s.sender);
	print(&s, "one\n");
	wait_until(&s, s.log.len == 4);
	close_scene(&s);
}
END_TEST

START_TEST(server_that_lost_its_log_gets_it_again)
{
	struct scene s;

	open_scene(&s, false);
	sender_start(s.sender);
	print(&s, "one\n");
	wait_until(&s, s.log.len == 4);
	buf_reset(&s.log);
	print(&s, "two\n");
	finish(&s, true);
	ck_assert_str_eq(buf_str(&s.log), "one\ntwo\n");
	close_scene(&s);
}
END_TEST

static const char *const had[] = { "", "one", "one\ntwo\n" };

START_TEST(later_runner_goes_on_where_the_server_is)
{
	struct scene s;

	open_scene(&s, true);
	buf_add_str(&s.log, had[_i]);
	print(&s, "one\ntwo\n");
	sender_start(s.sender);
	finish(&s, true);
	ck_assert_str_eq(buf_str(&s.log), "one\ntwo\n");
	close_scene(&s);
}
END_TEST

START_TEST(server_may_be_away_for_a_while)
{
	struct scene s;

	open_scene(&s, false);
	sender_start(s.sender);
	print(&s, "one\n");
	wait_until(&s, s.log.len == 4);
	fake_server_close(take(s.server));
	uv_run(&s.loop, UV_RUN_NOWAIT);
	print(&s, "two\n");
	{
		uint64_t until = uv_hrtime() + UINT64_C(1300000000);

		wait_until(&s, uv_hrtime() > until);
	}
	s.server = fake_server_open(&s.loop, NULL, s.port, handle, &s);
	print(&s, "three\n");
	finish(&s, true);
	ck_assert_int_eq(s.outcome, SENDER_TOLD);
	ck_assert_str_eq(buf_str(&s.log), "one\ntwo\nthree\n");
	ck_assert_uint_eq(s.aborts, 0);
	close_scene(&s);
}
END_TEST

/* ---- cancel ---- */

START_TEST(silent_job_is_kept_alive)
{
	struct scene s;

	open_scene(&s, false);
	sender_start(s.sender);
	wait_until(&s, s.touches == 3);
	close_scene(&s);
}
END_TEST

START_TEST(canceling_is_heard_once)
{
	struct scene s;

	open_scene(&s, false);
	sender_start(s.sender);
	s.status = "canceling";
	wait_until(&s, s.touches == 3);
	ck_assert_uint_eq(s.cancels, 1);
	ck_assert_uint_eq(s.aborts, 0);
	close_scene(&s);
}
END_TEST

static const struct {
	const char *status;
	int refusal;
} aborts[] = { { "canceled", 0 }, { "failed", 0 }, { NULL, 403 } };

START_TEST(abort_is_heard_and_nothing_more_is_sent)
{
	struct scene s;

	open_scene(&s, false);
	sender_start(s.sender);
	s.status = aborts[_i].status;
	s.refusal = aborts[_i].refusal;
	s.refuse = s.refusal != 0 ? 1000 : 0;
	print(&s, "one\n");
	wait_until(&s, s.aborts == 1);
	s.patches = s.touches = 0;
	{
		uint64_t until = uv_hrtime() + UINT64_C(300000000);

		wait_until(&s, uv_hrtime() > until);
	}
	ck_assert_uint_eq(s.patches + s.touches, 0);
	finish(&s, false);
	ck_assert_int_eq(s.outcome, SENDER_REFUSED);
	close_scene(&s);
}
END_TEST

/* ---- the end ---- */

static const struct {
	int status;
	enum sender_outcome want;
	unsigned ends;
} end_answers[] = {
	{ 200, SENDER_TOLD, 1 },
	{ 202, SENDER_TOLD, 2 }, /* later */
	{ 404, SENDER_REFUSED, 1 },
	{ 403, SENDER_REFUSED, 1 },
	{ 412, SENDER_TOLD, 2 }, /* the whole log again */
	{ 500, SENDER_TOLD, 2 },
};

START_TEST(end_is_answered)
{
	struct scene s;

	open_scene(&s, false);
	sender_start(s.sender);
	print(&s, "one\n");
	wait_until(&s, s.log.len == 4);
	s.end_status = end_answers[_i].status;
	finish(&s, true);
	ck_assert_int_eq(s.outcome, end_answers[_i].want);
	ck_assert_uint_eq(s.ends, end_answers[_i].ends);
	ck_assert_str_eq(buf_str(&s.log), "one\n");
	close_scene(&s);
}
END_TEST

START_TEST(end_whose_answer_is_lost_is_told_again)
{
	struct scene s;

	open_scene(&s, false);
	sender_start(s.sender);
	s.lose = 2;
	finish(&s, true);
	ck_assert_int_eq(s.outcome, SENDER_TOLD);
	ck_assert_uint_eq(s.ends, 3);
	close_scene(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sender");
	TCase *tc = tcase_create("sender");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, job_is_ours_unless_refused, 0, ARRAY_LEN(acceptances));
	tcase_add_test(tc, unanswered_acceptance_is_one);
	tcase_add_test(tc, job_canceled_before_it_began_hears_of_it);
	tcase_add_test(tc, log_and_end_are_told);
	tcase_add_test(tc, success_has_no_reason);
	tcase_add_test(tc, first_bytes_do_not_wait);
	tcase_add_test(tc, later_bytes_keep_to_the_interval);
	tcase_add_test(tc, long_log_goes_in_parts);
	tcase_add_test(tc, lost_answer_doubles_nothing);
	tcase_add_loop_test(tc, refused_patch_is_sent_again, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, server_that_lost_its_log_gets_it_again);
	tcase_add_loop_test(
	    tc, later_runner_goes_on_where_the_server_is, 0, ARRAY_LEN(had));
	tcase_add_test(tc, server_may_be_away_for_a_while);
	tcase_add_test(tc, silent_job_is_kept_alive);
	tcase_add_test(tc, canceling_is_heard_once);
	tcase_add_loop_test(
	    tc, abort_is_heard_and_nothing_more_is_sent, 0, ARRAY_LEN(aborts));
	tcase_add_loop_test(tc, end_is_answered, 0, ARRAY_LEN(end_answers));
	tcase_add_test(tc, end_whose_answer_is_lost_is_told_again);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
