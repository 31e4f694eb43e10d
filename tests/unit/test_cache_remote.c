/*
 * Caches that machines share, against a store of the test's own, on a thread: it keeps
 * objects and their etags, and can be busy, slow or wrong. Signatures are for a real one
 * (tests/e2e/cache-remote.sh).
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/path.h"
#include "runner/cache.h"
#include "runner/cache_remote.h"
#include "runner/object_call.h"
#include "tests/unit/fake_server.h"
#include "tests/unit/fixture.h"
#include "tests/unit/workspace_bench.h"

#define MAX_OBJECTS 8

/* ---- the store ---- */

struct object {
	char *name;
	struct buf bytes;
	unsigned version;
};

struct store {
	pthread_t thread;
	uv_loop_t loop;
	uv_async_t stop;
	struct fake_server *server;
	pthread_barrier_t started;
	int port;
	struct object objects[MAX_OBJECTS];
	size_t count;
	_Atomic unsigned fetched, sent, unchanged;
	atomic_int busy;     /* answers 503 so many times */
	atomic_bool is_mute; /* says nothing */
	unsigned last;       /* version given */
};

static struct object *
find_object(struct store *s, const char *path, bool make)
{
	cleanup_free char *name = xstrndup(path, strcspn(path, "?"));

	for (size_t i = 0; i < s->count; i++)
		if (str_eq(s->objects[i].name, name))
			return &s->objects[i];
	if (!make || s->count == MAX_OBJECTS)
		return NULL;
	s->objects[s->count].name = take(name);
	return &s->objects[s->count++];
}

static void
put(struct store *s, const struct fake_request *r, struct buf *reply)
{
	struct object *o = find_object(s, r->path, true);
	cleanup_free char *head = NULL;

	ck_assert_ptr_nonnull(o);
	buf_reset(&o->bytes);
	buf_add(&o->bytes, r->body, r->len);
	o->version = ++s->last;
	s->sent++;
	head = xasprintf("ETag: \"%u\"\r\n", o->version);
	fake_reply(reply, 200, head, "");
}

static void
get(struct store *s, const struct fake_request *r, struct buf *reply)
{
	struct object *o = find_object(s, r->path, false);
	cleanup_free char *known = fake_header(r, "If-None-Match"), *etag = NULL;

	if (o == NULL) {
		fake_reply(reply, 404, "",
		    "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>");
		return;
	}
	etag = xasprintf("\"%u\"", o->version);
	if (known != NULL && str_eq(known, etag)) {
		s->unchanged++;
		buf_add_str(reply, "HTTP/1.1 304 x\r\n\r\n");
		return;
	}
	s->fetched++;
	buf_printf(reply, "HTTP/1.1 200 x\r\nETag: %s\r\nContent-Length: %zu\r\n\r\n",
	    etag, o->bytes.len);
	buf_add(reply, buf_str(&o->bytes), o->bytes.len);
}

static enum fake_deed
answer(const struct fake_request *r, struct buf *reply, void *data)
{
	struct store *s = data;

	if (s->is_mute)
		return FAKE_HOLD;
	if (s->busy > 0) {
		s->busy--;
		fake_reply(reply, 503, "", "<Error><Code>SlowDown</Code></Error>");
	} else if (str_eq(r->method, "PUT")) {
		put(s, r, reply);
	} else {
		get(s, r, reply);
	}
	return FAKE_ANSWER;
}

static void
on_stop(uv_async_t *async)
{
	struct store *s = async->data;

	fake_server_close(s->server);
	uv_close((uv_handle_t *)async, NULL);
}

static void *
serve(void *data)
{
	struct store *s = data;

	uv_loop_init(&s->loop);
	uv_async_init(&s->loop, &s->stop, on_stop);
	s->stop.data = s;
	s->server = fake_server_open(&s->loop, NULL, 0, answer, s);
	s->port = fake_server_port(s->server);
	pthread_barrier_wait(&s->started);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&s->loop), 0);
	return NULL;
}

static void
store_open(struct store *s)
{
	*s = (struct store){ .count = 0 };
	pthread_barrier_init(&s->started, NULL, 2);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
	pthread_barrier_wait(&s->started);
}

static void
store_close(struct store *s)
{
	uv_async_send(&s->stop);
	pthread_join(s->thread, NULL);
	pthread_barrier_destroy(&s->started);
	for (size_t i = 0; i < s->count; i++) {
		free(s->objects[i].name);
		buf_clear(&s->objects[i].bytes);
	}
}
#define cleanup_store __attribute__((cleanup(store_close)))

/* ---- two machines ---- */

static const char *deps[] = { "deps/" };
static const char *others[] = { "other/" };

struct machines {
	struct workspace_bench bench;
	struct cache_remote remote;
	struct cache_remote_use use;
	char *host, *stores[2];
	struct buf words; /* said while fetching */
};

static void
hear(const char *line, void *data)
{
	struct machines *m = data;

	buf_printf(&m->words, "%s\n", line);
}

static void
machines_open(struct machines *m, const struct store *s)
{
	*m = (struct machines){ .host = xasprintf("127.0.0.1:%d", s->port) };
	workspace_bench_open(&m->bench);
	for (int i = 0; i < 2; i++)
		m->stores[i] = xasprintf("%s/machine%d", m->bench.root, i);
	m->remote =
	    (struct cache_remote){ .bucket = { m->host, "bucket", "region", true, true },
		    .prefix = "",
		    .max_bytes = CACHE_REMOTE_MAX_BYTES,
		    .keys = { "access", "secret", NULL } };
	m->use = (struct cache_remote_use){
		.remote = &m->remote, .short_token = "short", .say = hear, .data = m
	};
}

static void
machines_close(struct machines *m)
{
	workspace_bench_close(&m->bench);
	free(m->host);
	free(m->stores[0]);
	free(m->stores[1]);
	buf_clear(&m->words);
}
#define cleanup_machines __attribute__((cleanup(machines_close)))

static struct job_payload
job_of(struct job_cache *c)
{
	return (struct job_payload){ .caches = c, .cache_count = 1, .project_id = 7 };
}

/* A job on a machine, with what it does. */
static void
run_job(struct machines *m, int machine, const struct job_payload *job, const char *deed)
{
	struct workspace_bench *b = &m->bench;

	workspace_bench_renew(b);
	buf_reset(&b->log);
	buf_reset(&m->words);
	m->use.failed = false;
	cache_remote_fetch(&m->use, job, &b->view, m->stores[machine]);
	cache_restore(job, &b->view, m->stores[machine], NULL, NULL, &b->log);
	fixture_sh(b->dir, "%s", deed);
	m->use.failed = false;
	cache_save(job, true, &b->view, m->stores[machine], NULL, &m->use, NULL, &b->log);
}

static void
check_log(struct machines *m, const char *text)
{
	ck_assert_msg(strstr(buf_str(&m->bench.log), text) != NULL, "%s%s",
	    buf_str(&m->words), buf_str(&m->bench.log));
}

/* A store s, machines m, and a job with a cache c. */
#define BEGIN                                                                            \
	cleanup_store struct store s;                                                    \
	cleanup_machines struct machines m;                                              \
	struct job_cache c = { .key = "k", .paths = deps, .path_count = 1 };             \
	struct job_payload job = job_of(&c);                                             \
	store_open(&s);                                                                  \
	machines_open(&m, &s)

static const char make_deps[] = "mkdir -p deps && echo one >deps/x && chmod 750 deps/x "
				"&& ln -s x deps/link && touch -d 2020-01-01 deps/x";

START_TEST(another_machine_has_it)
{
	BEGIN;

	run_job(&m, 0, &job, make_deps);
	ck_assert_uint_eq(s.count, 1);
	ck_assert_str_eq(s.objects[0].name, "/bucket/runner/short/project/7/k");
	run_job(&m, 1, &job,
	    "test $(cat deps/link) = one && test $(stat -c %a deps/x) = 750 && "
	    "test deps/x -ot src/a.c");
	ck_assert_ptr_nonnull(strstr(buf_str(&m.words), "Fetched cache k from 127."));
	ck_assert_uint_eq(s.sent, 1); /* it is as it was */
	run_job(&m, 1, &job, "test -e deps/x");
	ck_assert_uint_eq(s.fetched, 1);
	ck_assert_uint_eq(s.unchanged, 1);
}
END_TEST

START_TEST(later_changes_count)
{
	BEGIN;

	run_job(&m, 0, &job, make_deps);
	run_job(&m, 1, &job, "echo two >deps/y");
	ck_assert_uint_eq(s.sent, 2);
	run_job(&m, 0, &job, "test $(cat deps/y) = two && rm deps/x");
	run_job(&m, 1, &job, "test ! -e deps/x && test -e deps/y");
	ck_assert_uint_eq(s.sent, 3);
}
END_TEST

START_TEST(what_is_removed_there_is_removed_here)
{
	BEGIN;

	run_job(&m, 0, &job, make_deps);
	s.objects[0].name[1] = 'X';
	run_job(&m, 0, &job, "test ! -e deps");
	check_log(&m, "No cache for k\n");
}
END_TEST

/* What the store never had, it cannot have lost. */
START_TEST(what_is_newer_here_stays)
{
	BEGIN;

	run_job(&m, 0, &job, make_deps);
	s.busy = 1000;
	run_job(&m, 0, &job, "echo two >deps/x");
	s.busy = 0;
	s.objects[0].name[1] = 'X';
	run_job(&m, 0, &job, "test $(cat deps/x) = two");
	ck_assert_uint_eq(s.count, 2);
}
END_TEST

START_TEST(another_store_knows_nothing_of_what_is_here)
{
	BEGIN;

	run_job(&m, 0, &job, make_deps);
	m.remote.bucket.name = "new";
	run_job(&m, 0, &job, "test -e deps/x");
	ck_assert_uint_eq(s.count, 2); /* it has it now, too */
}
END_TEST

START_TEST(what_could_not_be_sent_is_sent_later)
{
	BEGIN;

	s.busy = 1000;
	run_job(&m, 0, &job, make_deps);
	check_log(&m, "cache k is not in the remote cache: 127.");
	check_log(&m, "503 SlowDown");
	s.busy = 0;
	run_job(&m, 0, &job, "test -e deps/x");
	ck_assert_uint_eq(s.sent, 1);
}
END_TEST

/* One job waits for it, the others do not. */
START_TEST(a_store_that_is_away_is_waited_for_once)
{
	atomic_llong away = 0;
	BEGIN;

	run_job(&m, 0, &job, make_deps);
	m.remote.away_until_ms = &away;
	m.remote.stall_ms = 1000;
	s.is_mute = true;
	run_job(&m, 0, &job, "test -e deps/x && echo two >deps/x");
	ck_assert_ptr_nonnull(strstr(buf_str(&m.words), "stalled for 1 s"));
	check_log(&m, "has not answered another job");
	s.is_mute = false;
	run_job(&m, 0, &job, "test $(cat deps/x) = two");
	ck_assert_ptr_nonnull(strstr(buf_str(&m.words), "not asked for a while"));
	ck_assert_uint_eq(s.sent, 1);
	away = 0; /* the while is over */
	run_job(&m, 0, &job, "test $(cat deps/x) = two");
	ck_assert_uint_eq(s.sent, 2);
}
END_TEST

START_TEST(a_busy_store_is_asked_again)
{
	BEGIN;

	s.busy = 2;
	run_job(&m, 0, &job, make_deps);
	ck_assert_ptr_null(strstr(buf_str(&m.words), "WARNING"));
	ck_assert_uint_eq(s.sent, 1);
}
END_TEST

START_TEST(fallback_keys_are_fetched)
{
	static const char *fallback[] = { "none", "main" };
	BEGIN;
	c.key = "main";
	run_job(&m, 0, &job, make_deps);
	c.key = "branch";
	c.fallback_keys = fallback;
	c.fallback_key_count = 2;
	run_job(&m, 1, &job, "test -e deps/x");
	ck_assert_uint_eq(s.count, 2); /* under its own key from now on */
}
END_TEST

START_TEST(policy_and_formats)
{
	struct job_variable format[] = { { .key = "CACHE_COMPRESSION_FORMAT",
	    .value = "tarzstd" } };

	BEGIN;
	c.policy = "pull";
	run_job(&m, 0, &job, make_deps);
	ck_assert_uint_eq(s.count, 0);
	c.policy = "push";
	job.variables = format;
	job.variable_count = 1;
	run_job(&m, 0, &job, make_deps);
	ck_assert_int_eq(memcmp(s.objects[0].bytes.data, "\x28\xb5\x2f\xfd", 4), 0);
	run_job(&m, 1, &job, "test ! -e deps && mkdir deps && echo push >deps/x");
	ck_assert_uint_eq(s.fetched, 0);
	c.policy = NULL;
	job.variable_count = 0;
	run_job(&m, 0, &job, "test $(cat deps/x) = push && echo more >>deps/x");
	ck_assert_int_eq(memcmp(s.objects[0].bytes.data, "PK", 2), 0);
}
END_TEST

START_TEST(names_of_objects_may_be_shared)
{
	BEGIN;
	m.remote.shared = true;
	m.remote.prefix = "a/b/";
	run_job(&m, 0, &job, make_deps);
	ck_assert_str_eq(s.objects[0].name, "/bucket/a/b/project/7/k");
}
END_TEST

START_TEST(too_large_an_archive_stays_here)
{
	BEGIN;
	m.remote.max_bytes = 100000;
	run_job(&m, 0, &job, "mkdir deps && head -c 400000 /dev/urandom >deps/x");
	check_log(&m, "cache k is not in the remote cache: it is larger than the 0 MB");
	ck_assert_uint_eq(s.sent, 0);
}
END_TEST

/* An archive may hold more than this job's paths: it is unpacked, and not kept. */
START_TEST(other_paths_are_saved_anew)
{
	BEGIN;
	run_job(&m, 0, &job, make_deps);
	c.paths = others;
	run_job(&m, 1, &job, "test -e deps/x && mkdir other && echo o >other/o");
	ck_assert_uint_eq(s.sent, 2);
	run_job(&m, 0, &job, "test ! -e deps && test -e other/o");
}
END_TEST

START_TEST(damaged_objects_are_as_none)
{
	BEGIN;
	run_job(&m, 0, &job, make_deps);
	buf_reset(&s.objects[0].bytes);
	buf_add_str(&s.objects[0].bytes, "no archive at all");
	run_job(&m, 1, &job, "test ! -e deps");
	ck_assert_ptr_nonnull(strstr(buf_str(&m.words), "WARNING"));
	check_log(&m, "No cache for k\n");
}
END_TEST

struct asking {
	struct machines *m;
	const struct job_payload *job;
};

static void *
ask(void *data)
{
	const struct asking *a = data;
	struct cache_remote_use use = { .remote = &a->m->remote, .short_token = "short" };

	cache_remote_fetch(&use, a->job, &a->m->bench.view, a->m->stores[1]);
	return NULL;
}

START_TEST(jobs_at_the_same_time_fetch_once)
{
	pthread_t threads[4];
	struct asking a;
	BEGIN;

	run_job(&m, 0, &job, make_deps);
	a = (struct asking){ &m, &job };
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask, &a), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(s.fetched, 1);
	ck_assert_uint_eq(s.unchanged, ARRAY_LEN(threads) - 1);
	fixture_sh(m.stores[1], "! ls .layers/fetch-*");
}
END_TEST

/* ---- calls ---- */

static int
call_mute(struct store *s, struct object_call *c, struct error *err)
{
	cleanup_free char *url = xasprintf("http://127.0.0.1:%d/x", s->port);
	FILE *f = tmpfile();
	int rc;

	ck_assert_ptr_nonnull(f);
	c->url = url;
	c->fd = fileno(f);
	rc = object_call(c, err);
	(void)fclose(f);
	return rc;
}

START_TEST(a_stall_is_given_up)
{
	cleanup_store struct store s;
	struct object_call c = { .method = "GET", .stall_ms = 1000 };
	struct error err = ERROR_INIT;

	store_open(&s);
	s.is_mute = true;
	ck_assert_int_eq(call_mute(&s, &c, &err), ERR_FOREIGN);
	ck_assert_str_eq(err.msg, "the store has stalled for 1 s");
	ck_assert_int_ge(c.took_ms, 1000);
}
END_TEST

START_TEST(a_cancel_ends_it)
{
	cleanup_store struct store s;
	atomic_bool cancel = true;
	struct object_call c = { .method = "GET", .cancel = &cancel };
	struct error err = ERROR_INIT;

	store_open(&s);
	s.is_mute = true;
	ck_assert_int_eq(call_mute(&s, &c, &err), ERR_CANCELED);
}
END_TEST

/* ---- keys ---- */

static const struct {
	const char *text, *access, *secret, *token; /* access NULL: refused */
} files[] = {
	{ "[default]\naws_access_key_id = a\naws_secret_access_key=s\n", "a", "s", NULL },
	{ "# c\n\naws_access_key_id=a\r\naws_secret_access_key = s=/+\r\n"
	  "aws_session_token = t\n",
	    "a", "s=/+", "t" },
	{ "[a]\naws_access_key_id=a\naws_secret_access_key=s\n[b]\n"
	  "aws_access_key_id=b\naws_session_token=t\n",
	    "a", "s", NULL },
	{ "[a]\naws_access_key_id=a\n[b]\naws_secret_access_key=s\n", NULL, NULL, NULL },
	{ "", NULL, NULL, NULL },
};

START_TEST(files_of_keys)
{
	cleanup_fixture char *dir = fixture_open();
	cleanup_free char *file = xasprintf("%s/keys", dir), *keep = NULL;
	struct s3_keys keys = { NULL, NULL, NULL };
	struct error err = ERROR_INIT;
	int rc;

	ck_assert_int_eq(
	    path_write_file(file, files[_i].text, strlen(files[_i].text), 0600, &err), 0);
	rc = cache_remote_read_keys(file, &keep, &keys, &err);
	ck_assert_int_eq(rc, files[_i].access == NULL ? ERR_INVALID : 0);
	if (rc == 0) {
		ck_assert_str_eq(keys.access_key, files[_i].access);
		ck_assert_str_eq(keys.secret_key, files[_i].secret);
		ck_assert_pstr_eq(keys.session_token, files[_i].token);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cache_remote");
	TCase *tc = tcase_create("cache_remote");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, another_machine_has_it);
	tcase_add_test(tc, later_changes_count);
	tcase_add_test(tc, what_is_removed_there_is_removed_here);
	tcase_add_test(tc, what_is_newer_here_stays);
	tcase_add_test(tc, another_store_knows_nothing_of_what_is_here);
	tcase_add_test(tc, what_could_not_be_sent_is_sent_later);
	tcase_add_test(tc, a_store_that_is_away_is_waited_for_once);
	tcase_add_test(tc, a_busy_store_is_asked_again);
	tcase_add_test(tc, fallback_keys_are_fetched);
	tcase_add_test(tc, policy_and_formats);
	tcase_add_test(tc, names_of_objects_may_be_shared);
	tcase_add_test(tc, too_large_an_archive_stays_here);
	tcase_add_test(tc, other_paths_are_saved_anew);
	tcase_add_test(tc, damaged_objects_are_as_none);
	tcase_add_test(tc, jobs_at_the_same_time_fetch_once);
	tcase_add_test(tc, a_stall_is_given_up);
	tcase_add_test(tc, a_cancel_ends_it);
	tcase_add_loop_test(tc, files_of_keys, 0, ARRAY_LEN(files));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
