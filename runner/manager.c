/*
 * Each server has at most one question under way. A server that holds it until there is a
 * job is asked again at once; one that answers at once is asked every few seconds; one
 * that cannot be reached, less and less often.
 */
#include "runner/manager.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/http_client.h"
#include "base/log.h"
#include "base/path.h"
#include "executors/container/runtime.h"
#include "executors/executor.h"
#include "runner/identity.h"
#include "runner/job_file.h"
#include "runner/remote_job.h"
#include "runner/sweep.h"

#define POLL_MS 3000             /* between questions answered at once */
#define AGAIN_MS 1000            /* after a conflict */
#define LONG_POLL_MS 900         /* an answer that took so long was waited for */
#define QUESTION_LIMIT_MS 600000 /* the protocol's, for an answer */
#define RETRY_MS 250
#define RETRY_MAX_MS 15000
#define UNHEALTHY_LIMIT 3
#define UNHEALTHY_MS (60 * 60 * 1000)
#define LEAVE_CHECK_MS 20
#define MAX_UNTOLD 64 /* jobs whose end is still to be told, beyond the slots */

struct server {
	struct manager *manager;
	const struct runner_server *settings;
	struct http_client *client;
	struct remote_context context;
	char *api, *header;
	char short_token[10];
	uv_timer_t timer;
	struct http_call *question;
	uint64_t asked_ms, wait_ms;
	unsigned unhealthy;
	char *last_update;
	bool news; /* the last answer brought another last_update */
};

struct manager {
	const struct runner_settings *settings;
	const struct runner *runner;
	struct runner_info info;
	char system_id[IDENTITY_SYSTEM_ID];
	int lock_fd;
	struct server *servers;
	size_t opened; /* of them */
	struct remote_job **jobs;
	const struct server **owners; /* of each job */
	size_t job_count, job_cap, owner_cap;
	size_t running; /* jobs that take a slot */
	unsigned stops;
	bool is_over;
	uv_timer_t leave_timer;
};

static void ask(struct server *server);

/* ---- slots ----------------------------------------------------------------- */

static bool
has_room(const struct manager *m)
{
	size_t slots = (size_t)m->settings->concurrent;

	return m->stops == 0 && m->running < slots && m->job_count < slots + MAX_UNTOLD;
}

/* One slot may be asked for at several servers; the first answer takes it. */
static void
ask_all(struct manager *m)
{
	for (size_t i = 0; i < m->settings->server_count; i++) {
		struct server *s = &m->servers[i];

		if (!has_room(m) && s->question != NULL) {
			http_cancel(s->question);
			s->question = NULL;
		} else if (has_room(m) && s->question == NULL &&
		    !uv_is_active((uv_handle_t *)&s->timer)) {
			ask(s);
		}
	}
}

/* The lowest that no job of ours has. */
static int64_t
free_slot(const struct manager *m)
{
	for (int64_t slot = 0;; slot++) {
		size_t i = 0;

		while (i < m->job_count && remote_job_slot(m->jobs[i]) != slot)
			i++;
		if (i == m->job_count)
			return slot;
	}
}

/* ---- jobs ------------------------------------------------------------------ */

static void
on_slot(struct remote_job *job UNUSED, void *data)
{
	struct manager *m = data;

	m->running--;
	ask_all(m);
}

static void finish_leaving(struct manager *m);

static void
on_gone(struct remote_job *job, void *data)
{
	struct manager *m = data;

	for (size_t i = 0; i < m->job_count; i++) {
		if (m->jobs[i] != job)
			continue;
		m->jobs[i] = m->jobs[--m->job_count];
		m->owners[i] = m->owners[m->job_count];
		break;
	}
	ask_all(m);
}

static void
add_job(struct manager *m, const struct server *owner, struct remote_job *job)
{
	GROW(m->jobs, m->job_count, m->job_cap);
	if (m->owner_cap < m->job_cap) {
		m->owners = xreallocarray(m->owners, m->job_cap, sizeof(*m->owners));
		m->owner_cap = m->job_cap;
	}
	m->owners[m->job_count] = owner;
	m->jobs[m->job_count++] = job;
}

static struct remote_job_events
job_events(struct manager *m)
{
	return (struct remote_job_events){
		.on_slot = on_slot, .on_gone = on_gone, .data = m
	};
}

static bool
has_job(const struct manager *m, const struct server *owner, int64_t id)
{
	for (size_t i = 0; i < m->job_count; i++)
		if (m->owners[i] == owner && remote_job_id(m->jobs[i]) == id)
			return true;
	return false;
}

static void
take_job(struct server *s, const struct http_reply *reply)
{
	struct manager *m = s->manager;
	struct remote_job_events events = job_events(m);
	struct job_payload *payload = NULL;
	struct error err = ERROR_INIT;

	if (job_payload_read(reply->body, reply->len, &payload, &err) < 0) {
		log_event(LOG_ERROR, LOG_SERVER(s->settings->url),
		    "the server sent a job that cannot be read: %s", err.msg);
		return;
	}
	if (has_job(m, s, payload->id)) { /* the same answer, heard twice */
		job_payload_free(payload);
		return;
	}
	m->running++;
	add_job(m, s, remote_job_start(&s->context, payload, free_slot(m), &events));
}

/* ---- asking ---------------------------------------------------------------- */

static void
on_timer(uv_timer_t *timer)
{
	struct server *s = timer->data;

	if (s->question == NULL && has_room(s->manager))
		ask(s);
}

/* So that many runners that lost the same server do not come back together. */
static uint64_t
with_jitter(uint64_t ms)
{
	return ms + uv_hrtime() / 1000 % (ms / 4 + 1);
}

static void
ask_in(struct server *s, uint64_t ms)
{
	if (s->manager->stops == 0)
		uv_timer_start(&s->timer, on_timer, ms, 0);
}

static void
ask_after_failure(struct server *s)
{
	ask_in(s, with_jitter(s->wait_ms));
	s->wait_ms = s->wait_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : s->wait_ms * 2;
}

static void
remember_update(struct server *s, const struct http_call *call)
{
	const char *update = http_reply_get(call, "X-GitLab-Last-Update");

	s->news = false;
	if (update == NULL || *update == '\0')
		return;
	s->news = s->last_update == NULL || strcmp(s->last_update, update) != 0;
	free(s->last_update);
	s->last_update = xstrdup(update);
}

static void
on_nothing(struct server *s)
{
	uint64_t took = uv_now(s->manager->runner->loop) - s->asked_ms;

	if (s->news || took >= LONG_POLL_MS)
		ask_in(s, 0);
	else
		ask_in(s, with_jitter(POLL_MS));
}

static void
on_refused(struct server *s, const struct http_reply *reply)
{
	char words[256];

	error_answer_read(reply->status, reply->body, reply->len, words, sizeof(words));
	log_event(LOG_WARN, LOG_SERVER(s->settings->url),
	    "the server does not accept this runner's token (%s)", words);
	if (++s->unhealthy < UNHEALTHY_LIMIT) {
		ask_in(s, with_jitter(POLL_MS));
		return;
	}
	log_event(LOG_ERROR, LOG_SERVER(s->settings->url),
	    "the server is not asked for the next %d minutes", UNHEALTHY_MS / 60000);
	ask_in(s, UNHEALTHY_MS);
}

static void
on_failed(struct server *s, const struct http_reply *reply)
{
	char words[256];

	error_answer_read(reply->status, reply->body, reply->len, words, sizeof(words));
	if (reply->status == 0)
		log_event(LOG_WARN, LOG_SERVER(s->settings->url),
		    "cannot ask for jobs: %s", reply->error->msg);
	else
		log_event(LOG_WARN, LOG_SERVER(s->settings->url),
		    "cannot ask for jobs: the server answered %s", words);
	ask_after_failure(s);
}

static void
on_answer(struct http_call *call, const struct http_reply *reply, void *data)
{
	struct server *s = data;

	s->question = NULL;
	remember_update(s, call);
	if (reply->status == 201 || reply->status == 204)
		s->wait_ms = RETRY_MS;
	if (reply->status != 403)
		s->unhealthy = 0;
	switch (reply->status) {
	case 201:
		take_job(s, reply);
		ask_all(s->manager);
		break;
	case 204:
		on_nothing(s);
		break;
	case 403:
		on_refused(s, reply);
		break;
	case 409:
		ask_in(s, with_jitter(AGAIN_MS));
		break;
	default:
		on_failed(s, reply);
		break;
	}
}

static void
ask(struct server *s)
{
	struct manager *m = s->manager;
	const char *headers[] = { "Content-Type: application/json",
		"Accept: application/json", s->header, NULL };
	cleanup_buf struct buf body = BUF_INIT;
	cleanup_free char *url = xasprintf("%s/jobs/request", s->api);
	struct runner_request r = { .info = m->info,
		.token = s->settings->token,
		.system_id = m->system_id,
		.last_update = s->last_update };
	struct http_call_options o = { .method = "POST",
		.url = url,
		.headers = headers,
		.max_reply = JSON_MAX_PAYLOAD,
		.timeout_ms = QUESTION_LIMIT_MS,
		.on_done = on_answer,
		.data = s };

	runner_request_write(&r, &body);
	o.body = body.data;
	o.body_len = body.len;
	s->asked_ms = uv_now(m->runner->loop);
	s->question = http_send(s->client, &o);
	explicit_bzero(body.data, body.len);
}

/* ---- taking over ----------------------------------------------------------- */

static const struct server *
server_of(const struct manager *m, const char *url)
{
	for (size_t i = 0; i < m->settings->server_count; i++)
		if (strcmp(m->servers[i].settings->url, url) == 0)
			return &m->servers[i];
	return NULL;
}

static bool
adopt_folder(struct manager *m, const char *dir)
{
	struct remote_job_events events = job_events(m);
	struct job_payload *payload = NULL;
	cleanup_free char *url = NULL;
	struct error err = ERROR_INIT;
	const struct server *owner;

	if (job_file_read(dir, &url, &payload, &err) < 0) {
		if (err.code != ERR_MISSING)
			log_warn("%s", err.msg);
		return false;
	}
	owner = server_of(m, url);
	if (owner == NULL) {
		log_event(LOG_WARN, LOG_SERVER(url),
		    "%s is left alone: its server is not among the settings", dir);
		job_payload_free(payload);
		return true;
	}
	m->running++;
	add_job(m, owner, remote_job_adopt(&owner->context, dir, payload, &events));
	return true;
}

/* A folder without a job's file never began, or nearly ended: nothing is lost with it. */
static void
sweep_folder(const char *dir)
{
	cleanup_free char *file = path_join(dir, "lock");
	cleanup_close int lock = open(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct error err = ERROR_INIT;

	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
		return;
	runtime_sweep(dir);
	if (path_remove_tree(AT_FDCWD, dir, &err) < 0)
		log_warn("%s", err.msg);
}

static void
adopt_jobs(struct manager *m)
{
	cleanup_free char *jobs = path_join(m->settings->state_dir, "jobs");
	struct error err = ERROR_INIT;
	cleanup_closedir DIR *d = NULL;

	if (path_mkdirs(jobs, 0700, &err) < 0)
		log_warn("%s", err.msg); /* each job will say so */
	cgroup_places_note(&m->runner->cgroups, m->settings->state_dir);
	d = opendir(jobs);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *dir = path_join(jobs, e->d_name);

		if (*e->d_name != '.' && !adopt_folder(m, dir))
			sweep_folder(dir);
	}
	cgroup_places_tidy(m->settings->state_dir);
}

/* ---- the beginning --------------------------------------------------------- */

static int
take_lock(struct manager *m, struct error *err)
{
	cleanup_free char *file = path_join(m->settings->state_dir, "lock");

	m->lock_fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (m->lock_fd < 0)
		return error_errno(err, "cannot create %s", file);
	if (flock(m->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		/* for a server that is not its parent and wants it to end */
		if (ftruncate(m->lock_fd, 0) < 0 ||
		    dprintf(m->lock_fd, "%d\n", getpid()) < 0)
			return error_errno(err, "cannot write %s", file);
		return 0;
	}
	if (errno != EWOULDBLOCK)
		return error_errno(err, "cannot lock %s", file);
	return error_set(err, ERR_ENVIRONMENT,
	    "another runner works in %s; give this one a folder of its own with --state",
	    m->settings->state_dir);
}

static void
fill_context(struct server *s)
{
	const struct manager *m = s->manager;

	s->context = (struct remote_context){ .runner = m->runner,
		.client = s->client,
		.url = s->settings->url,
		.api = s->api,
		.short_token = s->short_token,
		.system_id = m->system_id,
		.source = { .state_dir = m->settings->state_dir,
		    .repos_dir = s->settings->repos_dir,
		    .ca_file = s->settings->ca_file },
		.state_dir = m->settings->state_dir,
		.limits = m->settings->layers };
}

static int
open_server(struct manager *m, size_t i, const char *user_agent, struct error *err)
{
	struct server *s = &m->servers[i];
	struct http_client_options o;

	s->manager = m;
	s->settings = &m->settings->servers[i];
	s->wait_ms = RETRY_MS;
	s->api = identity_api(s->settings->url);
	s->header = xasprintf("RUNNER-TOKEN: %s", s->settings->token);
	identity_short_token(s->settings->token, s->short_token);
	o = (struct http_client_options){ .unix_socket = s->settings->unix_socket,
		.ca_file = s->settings->ca_file,
		.cert_file = s->settings->cert_file,
		.key_file = s->settings->key_file,
		.user_agent = user_agent };
	uv_timer_init(m->runner->loop, &s->timer);
	s->timer.data = s;
	m->opened++;
	if (http_client_new(m->runner->loop, &o, &s->client, err) < 0)
		return err->code;
	fill_context(s);
	return 0;
}

static int
open_servers(struct manager *m, struct error *err)
{
	cleanup_free char *agent = xasprintf("pawl-runner %s (%s/%s)", m->runner->version,
	    m->info.platform, m->info.architecture);
	size_t count = m->settings->server_count;

	m->servers = xcalloc(count + 1, sizeof(*m->servers));
	for (size_t i = 0; i < count; i++)
		if (open_server(m, i, agent, err) < 0)
			return err->code;
	return 0;
}

static void close_servers(struct manager *m);

/* Jobs of the runner before this one are found before anything is tidied up. */
static int
put_off_tidying(const struct manager *m, struct error *err)
{
	cleanup_free char *stamp = path_join(m->settings->state_dir, REMOTE_TIDIED_NAME);

	return path_write_file(stamp, "", 0, 0600, err);
}

int
manager_new(const struct runner_settings *settings, const struct runner *runner,
    struct manager **out, struct error *err)
{
	struct manager *m = xcalloc(1, sizeof(*m));

	m->settings = settings;
	m->runner = runner;
	m->lock_fd = -1;
	m->info = identity_info(runner->version, executors_name(runner->executors));
	if (path_mkdirs(settings->state_dir, 0700, err) < 0 || take_lock(m, err) < 0 ||
	    identity_system_id(settings->state_dir, m->system_id, err) < 0 ||
	    put_off_tidying(m, err) < 0 || open_servers(m, err) < 0) {
		close_servers(m);
		uv_run(runner->loop, UV_RUN_NOWAIT); /* closes them */
		manager_free(m);
		return err->code = ERR_ENVIRONMENT;
	}
	uv_timer_init(runner->loop, &m->leave_timer);
	m->leave_timer.data = m;
	*out = m;
	return 0;
}

void
manager_start(struct manager *m)
{
	adopt_jobs(m);
	ask_all(m);
}

/* ---- the end --------------------------------------------------------------- */

static void
close_servers(struct manager *m)
{
	for (size_t i = 0; i < m->opened; i++) {
		struct server *s = &m->servers[i];

		http_client_free(take(s->client));
		s->question = NULL;
		uv_close((uv_handle_t *)&s->timer, NULL);
	}
}

/* Every job lies in its folder, to be taken over from there. */
static void
finish_leaving(struct manager *m)
{
	if (m->is_over)
		return;
	m->is_over = true;
	for (size_t i = 0; i < m->job_count; i++)
		remote_job_leave(m->jobs[i]);
	if (m->job_count > 0)
		log_info("%zu jobs go on without this runner", m->job_count);
	m->job_count = 0;
	close_servers(m);
	uv_close((uv_handle_t *)&m->leave_timer, NULL);
}

static bool
can_leave(const struct manager *m)
{
	if (m->stops > 1)
		return m->job_count == 0;
	for (size_t i = 0; i < m->job_count; i++)
		if (!remote_job_can_be_left(m->jobs[i]))
			return false;
	return true;
}

static void
on_leave_check(uv_timer_t *timer)
{
	struct manager *m = timer->data;

	if (can_leave(m))
		finish_leaving(m);
}

void
manager_stop(struct manager *m)
{
	m->stops++;
	if (m->is_over)
		return;
	for (size_t i = 0; i < m->settings->server_count; i++)
		uv_timer_stop(&m->servers[i].timer);
	ask_all(m); /* takes questions back */
	if (m->stops == 2)
		for (size_t i = 0; i < m->job_count; i++)
			remote_job_abort(m->jobs[i]);
	if (m->stops > 2)
		_exit(1);
	uv_timer_start(&m->leave_timer, on_leave_check, 0, LEAVE_CHECK_MS);
}

void
manager_free(struct manager *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; m->servers != NULL && i < m->settings->server_count; i++) {
		free(m->servers[i].api);
		free(m->servers[i].header);
		free(m->servers[i].last_update);
	}
	free(m->servers);
	free(m->jobs);
	free(m->owners);
	cleanup_close_fd(&m->lock_fd);
	free(m);
}
