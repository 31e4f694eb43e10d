/* Jobs and their runners: from an assignment to a payload, and from a runner's word to an
 * event. */
#include <assert.h>
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "scheduler/commit_files.h"
#include "scheduler/payload.h"
#include "scheduler/registry_internal.h"
#include "scheduler/service_internal.h"

#define SEEN_EVERY_US (60 * INT64_C(1000000))
#define DEFAULT_DEPTH 20 /* GitLab's for a new project */

/* ---- tokens of jobs
 * ------------------------------------------------------------------------ */

void
service_set_token(struct service *s, struct live_job *job, const unsigned char hash[32])
{
	static const unsigned char none[32];
	char key[REGISTRY_HASH_KEY];

	if (memcmp(hash, none, sizeof(none)) == 0)
		return;
	memcpy(job->token_hash, hash, sizeof(job->token_hash));
	job->has_token = true;
	registry_hash_key(hash, key);
	map_set(&s->tokens, key, job);
}

void
service_end_token(struct service *s, struct live_job *job)
{
	char key[REGISTRY_HASH_KEY];

	if (!job->has_token)
		return;
	registry_hash_key(job->token_hash, key);
	map_remove(&s->tokens, key);
	job->has_token = false;
	memset(job->token_hash, 0, sizeof(job->token_hash));
}

struct live_job *
service_job_of_token(struct service *s, const char *token)
{
	unsigned char hash[32];
	char key[REGISTRY_HASH_KEY];
	struct live_job *job;

	secret_hash_token(token, hash);
	registry_hash_key(hash, key);
	job = map_get(&s->tokens, key);
	return job != NULL && secret_equal(hash, job->token_hash, sizeof(hash)) ? job
										: NULL;
}

struct live_job *
service_job_by_token(struct service *s, int64_t id, const char *token)
{
	struct live_job *job = service_job_of_token(s, token);

	return job != NULL && job->id == id ? job : NULL;
}

struct project *
service_project_of(const struct live_job *job)
{
	const struct live_pipeline *p = job->pipeline;

	return registry_project(p->service->o.registry, p->project);
}

int64_t
service_pipeline_of(const struct live_job *job)
{
	return job->pipeline->id;
}

/* ---- what a job leaves for later ones
 * -------------------------------------------------------- */

struct arena *
service_arena_of(struct live_job *job)
{
	if (job->arena == NULL)
		job->arena = arena_new();
	return job->arena;
}

void
service_set_archive(struct live_job *job, const char *filename, int64_t bytes)
{
	job->archive_name = arena_strdup(service_arena_of(job), filename);
	job->archive_bytes = bytes;
}

void
service_add_dotenv(struct live_job *job, const char *key, const char *value)
{
	struct arena *a = service_arena_of(job);

	ARENA_GROW(a, job->dotenv, job->dotenv_count, job->dotenv_cap);
	job->dotenv[job->dotenv_count++] = (struct var){ .name = arena_strdup(a, key),
		.value = arena_strdup(a, value),
		.level = VAR_DOTENV,
		.raw = true };
}

struct inheritance {
	struct job_dependency *deps;
	size_t dep_count, dep_cap;
	struct var *dotenv;
	size_t dotenv_count, dotenv_cap;
};

/* What was given by hand is at its own level, which goes over what reports say. */
static void
inherit_given(const struct live_job *job, struct arena *a, struct inheritance *in)
{
	for (size_t i = 0; job != NULL && i < job->given_count; i++) {
		ARENA_GROW(a, in->dotenv, in->dotenv_count, in->dotenv_cap);
		in->dotenv[in->dotenv_count++] = job->given[i];
	}
}

static void
inherit_from(struct live_job *from, const char *name, const char *token, struct arena *a,
    struct inheritance *in)
{
	for (size_t i = 0; i < from->dotenv_count; i++) {
		ARENA_GROW(a, in->dotenv, in->dotenv_count, in->dotenv_cap);
		in->dotenv[in->dotenv_count++] = from->dotenv[i];
	}
	if (from->archive_name == NULL)
		return;
	ARENA_GROW(a, in->deps, in->dep_count, in->dep_cap);
	in->deps[in->dep_count++] = (struct job_dependency){ .id = from->id,
		.token = token,
		.name = name,
		.filename = from->archive_name,
		.size_bytes = from->archive_bytes };
}

static void
inherit(struct service *s, const struct core_job *job, const char *token, struct arena *a,
    struct inheritance *in)
{
	const struct plan_job *plan = job->plan;

	for (size_t i = 0; i < plan->artifact_source_count; i++) {
		const struct core_job *source =
		    core_latest(s->core, job->pipeline, plan->artifact_sources[i]);

		if (source != NULL)
			inherit_from(service_find_job(s, source->id), source->plan->name,
			    token, a, in);
	}
}

/* ---- the payload
 * ----------------------------------------------------------------------------- */

/* "http://host/g/p.git" with who may fetch it. */
static const char *
url_with_token(struct arena *a, const char *url, const char *token)
{
	const char *host = strstr(url, "://");

	if (host == NULL)
		return url;
	return arena_printf(
	    a, "%.*s://gitlab-ci-token:%s@%s", (int)(host - url), url, token, host + 3);
}

static int64_t
depth_of(const struct job_payload *payload)
{
	const char *text = job_payload_variable(payload, "GIT_DEPTH");
	int64_t depth = DEFAULT_DEPTH;

	if (text != NULL && (!str_to_int64(text, &depth) || depth < 0))
		depth = DEFAULT_DEPTH;
	return depth;
}

/* Which refs a runner fetches: runner-protocol.md section 3.1. */
static void
set_refspecs(struct job_payload *payload, int64_t pipeline)
{
	struct arena *a = payload->arena;
	struct job_git *git = &payload->git;
	const char *ref = git->ref;

	git->depth = depth_of(payload);
	git->refspecs = arena_calloc(a, 3, sizeof(*git->refspecs));
	git->refspecs[git->refspec_count++] = arena_printf(
	    a, "+refs/pipelines/%" PRId64 ":refs/pipelines/%" PRId64, pipeline, pipeline);
	if (git->depth == 0) {
		git->refspecs[git->refspec_count++] =
		    "+refs/heads/*:refs/remotes/origin/*";
		git->refspecs[git->refspec_count++] = "+refs/tags/*:refs/tags/*";
	} else if (str_eq(git->ref_type, "tag")) {
		git->refspecs[git->refspec_count++] =
		    arena_printf(a, "+refs/tags/%s:refs/tags/%s", ref, ref);
	} else {
		git->refspecs[git->refspec_count++] =
		    arena_printf(a, "+refs/heads/%s:refs/remotes/origin/%s", ref, ref);
	}
}

/* What the server knows to do with what a runner may send. */
static void
set_features(struct job_payload *payload, const struct event *e)
{
	/* those a stock runner sends only to who asks: runner-protocol.md section 5 */
	static const char *const reasons[] = { "unknown_failure", "image_pull_failure",
		"runner_configuration_error", "runner_external_dependency_failure",
		"runner_interrupted", "job_canceled" };
	const char *slash = strrchr(e->project_path, '/');

	payload->allow_git_fetch = true;
	payload->trace_sections = true;
	payload->failure_reasons =
	    arena_calloc(payload->arena, ARRAY_LEN(reasons), sizeof(*reasons));
	memcpy(payload->failure_reasons, reasons, sizeof(reasons));
	payload->failure_reason_count = ARRAY_LEN(reasons);
	payload->project_name = slash == NULL ? e->project_path : slash + 1;
	payload->user_id = e->user_id;
	if (payload->git.before_sha == NULL)
		payload->git.before_sha = "0000000000000000000000000000000000000000";
}

static int
build(struct service *s, struct live_job *job, const char *token, struct buf *json,
    struct error *err)
{
	cleanup_arena struct arena *arena = arena_new();
	const struct core_job *state = core_job(s->core, job->id);
	struct live_pipeline *p = job->pipeline;
	const struct held_variables *now = service_newer_variables(s, p);
	const struct registered_runner *runner =
	    registry_runner(s->o.registry, state->runner);
	struct event event = p->recipe->event;
	struct inheritance in = { .deps = NULL };
	struct commit_files files;
	struct job_payload *payload = NULL;
	int rc;

	if (commit_files_open(&files, p->recipe, s->repos_dir, err) < 0)
		return err->code;
	inherit(s, state, token, arena, &in);
	inherit_given(service_given_to(s, p, state->index), arena, &in);
	event.repo_url = url_with_token(arena, event.repo_url, token);
	struct payload_options options = {
		.plan = p->plan,
		.job = state->plan,
		.event = &event,
		.provider = &files.provider,
		.job_id = job->id,
		.pipeline_id = p->id,
		.job_token = token,
		.played_by_hand = state->played,
		.held = now == NULL ? NULL : now->vars,
		.held_count = now == NULL ? 0 : now->count,
		.has_held = now != NULL,
		.dotenv = in.dotenv,
		.dotenv_count = in.dotenv_count,
		.dependencies = in.deps,
		.dependency_count = in.dep_count,
		.default_timeout_s = s->o.settings->limits.timeout_s,
		.maximum_timeout_s = runner == NULL ? 0 : runner->row.maximum_timeout_s,
	};
	rc = payload_build(&options, &payload, err);
	commit_files_close(&files);
	if (rc < 0)
		return rc;
	set_refspecs(payload, p->id);
	set_features(payload, &event);
	payload->artifact_max_bytes = s->o.settings->limits.artifact_bytes;
	job_payload_write(payload, json);
	job_payload_free(payload);
	return 0;
}

/* ---- polls
 * ---------------------------------------------------------------------------------------
 */

struct service_poll *
service_ask(
    struct service *s, int64_t runner, bool accepts, service_given_fn given, void *data)
{
	struct service_poll *poll = xcalloc(1, sizeof(*poll));
	struct polls *polls = idmap_get(&s->polls, runner);

	*poll = (struct service_poll){
		.service = s,
		.runner = runner,
		.accepts = accepts,
		.given = given,
		.data = data,
	};
	if (polls == NULL) {
		polls = xcalloc(1, sizeof(*polls));
		idmap_set(&s->polls, runner, polls);
	}
	GROW(polls->items, polls->count, polls->cap);
	polls->items[polls->count++] = poll;
	service_tell(s, (struct core_event){ .type = CORE_REQUEST, .runner = runner });
	return poll;
}

static void
remove_poll(struct polls *polls, size_t i)
{
	polls->count--;
	memmove(polls->items + i, polls->items + i + 1,
	    (polls->count - i) * sizeof(struct service_poll *));
}

bool
service_take_back(struct service_poll *poll)
{
	struct service *s = poll->service;
	struct polls *polls = idmap_get(&s->polls, poll->runner);

	if (poll->is_assigned) /* on its way to the disk */
		return false;
	for (size_t i = 0; i < polls->count; i++)
		if (polls->items[i] == poll) {
			remove_poll(polls, i);
			break;
		}
	service_tell(
	    s, (struct core_event){ .type = CORE_WITHDRAW, .runner = poll->runner });
	free(poll);
	return true;
}

void
service_abandon(struct service_poll *poll)
{
	if (!service_take_back(poll))
		poll->is_gone = true; /* service_give() sees it */
}

int64_t
service_queue_version(const struct service *s)
{
	return s->queue_version;
}

bool
service_is_draining(const struct service *s)
{
	return s->is_draining;
}

void
service_runner_seen(struct service *s, int64_t id, const struct runner_info *info)
{
	struct registered_runner *n = registry_runner(s->o.registry, id);
	int64_t now = service_now_us();
	cleanup_buf struct buf facts = BUF_INIT;
	struct store_runner row;
	bool changed;

	if (n == NULL)
		return;
	runner_facts_write(info, &facts);
	changed = n->row.info == NULL || !str_eq(n->row.info, buf_str(&facts));
	/* written down at most once a minute; see core_limits.online_us for the rest */
	if (!changed && now - n->row.contacted_us < SEEN_EVERY_US)
		return;
	row = n->row;
	row.contacted_us = now;
	row.info = buf_str(&facts);
	registry_set_runner(s->o.registry, &row, NULL, NULL);
	service_describe_runner(s, registry_runner(s->o.registry, id));
}

void
service_give(struct flush_handout *h)
{
	struct service_poll *poll = h->poll;
	struct service *s = poll->service;

	struct core_event event = { .job = poll->job, .runner = poll->runner };

	if (!poll->is_gone)
		poll->given(poll->data, buf_str(&h->json), h->json.len);
	/* nobody is there to take it: another may; or to whom to have it is to run it */
	event.type = poll->is_gone ? CORE_RELEASE : CORE_STARTED;
	if (poll->is_gone || !poll->accepts)
		service_tell(s, event);
	buf_clear(&h->json);
	free(poll);
}

/* At the log's end, as it is. */
static int
append(struct service *s, struct live_job *job, const char *bytes, size_t len,
    struct error *err)
{
	struct log_state state;

	if (log_store_append(s->o.logs, job->id, job->log_bytes, bytes, len,
		service_now_us(), &state, err) < 0) {
		service_write_failed(s, err);
		return err->code;
	}
	job->log_bytes = state.size;
	service_notify(s,
	    &(struct service_change){
		.pipeline = job->pipeline->id, .job = job->id, .log_bytes = state.size });
	return 0;
}

void
service_append_last_line(struct service *s, struct live_job *job, const char *words)
{
	cleanup_buf struct buf line = BUF_INIT;
	struct error err = ERROR_INIT;

	buf_printf(&line, "\033[31;1mERROR: %s\033[0;m\n", words);
	if (append(s, job, line.data, line.len, &err) < 0)
		log_event(LOG_WARN, LOG_JOB(job->id), "its log: %s", err.msg);
}

/* A job whose payload cannot be made fails; its poll waits on. */
static void
fail_assigned(struct service *s, struct live_job *job, int64_t runner, enum reason reason,
    const struct error *err)
{
	(void)snprintf(job->message, sizeof(job->message), "%.511s", err->msg);
	service_tell(s,
	    (struct core_event){
		.type = CORE_FINISHED, .job = job->id, .reason = reason });
	service_tell(s, (struct core_event){ .type = CORE_REQUEST, .runner = runner });
}

void
service_hand_out(struct service *s, int64_t id, int64_t runner)
{
	struct live_job *job = service_find_job(s, id);
	struct polls *polls = idmap_get(&s->polls, runner);
	cleanup_buf struct buf json = BUF_INIT;
	char token[SECRET_MAX];
	unsigned char hash[32];
	struct service_poll *poll;
	struct error err = ERROR_INIT;

	assert(job != NULL && polls != NULL && polls->count > 0);
	service_end_token(s, job);
	/* one an earlier release has let wait */
	if (payload_check(core_job(s->core, id)->plan, &err) < 0) {
		fail_assigned(s, job, runner, REASON_RUNNER_UNSUPPORTED, &err);
		return;
	}
	secret_make_token(SECRET_JOB, token);
	if (build(s, job, token, &json, &err) < 0) {
		fail_assigned(s, job, runner, REASON_RUNNER_CONFIGURATION_ERROR, &err);
		return;
	}
	secret_hash_token(token, hash);
	service_set_token(s, job, hash);
	poll = polls->items[0];
	remove_poll(polls, 0);
	poll->is_assigned = true;
	poll->job = id;
	job->given_us = service_now_us();
	histogram_add(&s->figures.wait, job->given_us - core_job(s->core, id)->queued_us);
	service_touch_job(s, job);
	service_add_handout(s, poll, &json);
}

/* ---- what runners say
 * ---------------------------------------------------------------------------- */

int
service_update_job(struct service *s, struct live_job *job,
    const struct job_update *update, store_done_fn done, void *data, struct error *err)
{
	const struct core_job *state = core_job(s->core, job->id);
	struct core_event event = {
		.type = update->running ? CORE_STARTED : CORE_FINISHED,
		.job = job->id,
		.runner = state->runner,
		.success = update->success,
		.canceled = update->canceled,
		.reason = update->reason,
		.exit_code = update->exit_code,
	};
	int rc;

	if (update->running && state->status != STATUS_PENDING)
		event.type = CORE_HEARTBEAT;
	service_begin(s);
	if (!update->running) {
		job->log_crc32 = update->log_crc32;
		job->usage = update->usage;
		if (update->image_digest != NULL &&
		    job_digest_is_valid(update->image_digest))
			memcpy(job->image_digest, update->image_digest, JOB_DIGEST_SIZE);
		job->is_told = true;
	}
	rc = service_send(s, event, err);
	if (rc < 0) {
		job->is_told = false;
	} else {
		service_touch_job(s, job);
		service_after(s, done, data);
	}
	service_end(s);
	return rc;
}

void
service_heartbeat(struct service *s, struct live_job *job)
{
	const struct core_job *state = core_job(s->core, job->id);

	service_tell(s,
	    (struct core_event){
		.type = CORE_HEARTBEAT, .job = job->id, .runner = state->runner });
}

/* Who sends a log has taken the job, also if the word of it was lost with the server. */
static void
start_silently(struct service *s, const struct live_job *job)
{
	const struct core_job *state = core_job(s->core, job->id);

	if (state->status == STATUS_PENDING)
		service_tell(s,
		    (struct core_event){
			.type = CORE_STARTED, .job = job->id, .runner = state->runner });
}

/* How many bytes there is room for, without the beginning of a character. */
static size_t
fitting(const char *bytes, int64_t room)
{
	size_t n = room > 0 ? (size_t)room : 0;

	while (n > 0 && ((unsigned char)bytes[n] & 0xC0) == 0x80)
		n--;
	return n;
}

/* What there is room for stays, and a line that says why there is no more. */
static int
cut_log(struct service *s, struct live_job *job, const char *bytes, int64_t room,
    struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	char limit[SETTINGS_SIZE_WORDS];
	struct error problem = ERROR_INIT;

	(void)settings_size(s->o.settings->limits.log_bytes, limit);
	buf_add(&text, bytes, fitting(bytes, room));
	buf_printf(&text,
	    "%s\033[31;1mERROR: Job failed: its log was cut here: it is larger than the %s "
	    "this server keeps\033[0;m\n",
	    text.len > 0 && text.data[text.len - 1] == '\n' ? "" : "\n", limit);
	if (room >= 0 && append(s, job, text.data, text.len, &problem) < 0)
		log_event(LOG_WARN, LOG_JOB(job->id), "its log: %s", problem.msg);
	return error_set(
	    err, ERR_LIMIT, "the log is larger than the %s this server keeps", limit);
}

int
service_append_log(struct service *s, struct live_job *job, const char *bytes, size_t len,
    struct error *err)
{
	int64_t room = s->o.settings->limits.log_bytes - job->log_bytes;

	if ((int64_t)len > room)
		return cut_log(s, job, bytes, room, err);
	if (append(s, job, bytes, len, err) < 0)
		return err->code;
	start_silently(s, job);
	return 0;
}

/* ---- what jobs upload
 * ------------------------------------------------------------------------------ */

struct artifact_write {
	struct service *service;
	struct arena *arena;
	struct store_artifact row;
	struct store_test_suite suite; /* of a test report; else job is 0 */
	store_done_fn done;
	void *data;
};

static int
write_artifact(struct store_txn *t, void *data, struct error *err)
{
	const struct artifact_write *w = data;

	if (w->suite.job != 0 && store_put_test_suite(t, &w->suite, err) < 0)
		return err->code;
	return store_put_artifact(t, &w->row, err);
}

/* A test report is told of when it has been read too: who sees the job's end sees it. */
static void
on_artifact_written(void *data, const struct error *err)
{
	struct artifact_write *w = data;

	if (w->suite.job != 0 && err->code == 0)
		service_read_report(w->service, &w->suite, w->done, w->data);
	else
		w->done(w->data, err);
	arena_free(w->arena);
}

static struct store_test_suite
suite_of(const struct service *s, const struct live_job *job, struct arena *a)
{
	const struct job_config *config = core_job(s->core, job->id)->plan->config;
	bool is_matrix = config->matrix.count > 0; /* as GitLab names suites */

	return (struct store_test_suite){ .job = job->id,
		.pipeline = job->pipeline->id,
		.project = job->pipeline->project,
		.name = arena_strdup(a, is_matrix ? config->name : config->base_name) };
}

void
service_add_artifact(struct service *s, struct live_job *job,
    const struct store_artifact *row, store_done_fn done, void *data)
{
	struct arena *arena = arena_new();
	struct artifact_write *w = arena_alloc(arena, sizeof(*w));

	w->service = s;
	w->arena = arena;
	w->done = done;
	w->data = data;
	w->row = *row;
	w->row.type = arena_strdup(arena, row->type);
	w->row.format = arena_strdup(arena, row->format);
	w->row.filename = arena_strdup(arena, row->filename);
	if (str_eq(row->type, "archive"))
		service_set_archive(job, row->filename, row->size);
	if (str_eq(row->type, "junit"))
		w->suite = suite_of(s, job, arena);
	service_begin(s);
	service_write_too(s, write_artifact, on_artifact_written, w);
	service_end(s);
}

struct variables_write {
	struct arena *arena;
	struct store_job_variable *rows;
	size_t count;
};

static int
write_variables(struct store_txn *t, void *data, struct error *err)
{
	const struct variables_write *w = data;

	for (size_t i = 0; i < w->count; i++)
		if (store_put_job_variable(t, &w->rows[i], err) < 0)
			return err->code;
	return 0;
}

static void
on_variables_written(void *data, const struct error *err UNUSED)
{
	arena_free(((struct variables_write *)data)->arena);
}

char *
service_dotenv_place(int64_t job, const char *key)
{
	return xasprintf("dotenv of job %" PRId64 " %s", job, key);
}

static struct store_job_variable
seal_variable(struct service *s, int64_t job, const struct var *var, struct arena *a)
{
	cleanup_free char *place = service_dotenv_place(job, var->name);
	cleanup_buf struct buf sealed = BUF_INIT;

	seal_value(s->o.seal, place, var->value, strlen(var->value), &sealed);
	return (struct store_job_variable){ .job = job,
		.key = arena_strdup(a, var->name),
		.value = "",
		.sealed = arena_memdup(a, sealed.data, sealed.len),
		.sealed_len = sealed.len };
}

void
service_add_variables(
    struct service *s, struct live_job *job, const struct var *vars, size_t count)
{
	struct arena *arena = arena_new();
	struct variables_write *w = arena_alloc(arena, sizeof(*w));

	w->arena = arena;
	w->rows = arena_calloc(arena, count, sizeof(*w->rows));
	for (size_t i = 0; i < count; i++) {
		w->rows[w->count++] = seal_variable(s, job->id, &vars[i], arena);
		service_add_dotenv(job, vars[i].name, vars[i].value);
	}
	service_begin(s);
	service_write_too(s, write_variables, on_variables_written, w);
	service_end(s);
}
