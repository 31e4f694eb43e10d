/*
 * The HTTP side of the server: a table of routes, who may use each, and a call for each
 * request. Handlers answer at once, or keep the call and answer later; every call is
 * answered exactly once. Loop thread.
 */
#ifndef SCHEDULER_API_API_H
#define SCHEDULER_API_API_H

#include "base/http_server.h"
#include "protocol/json_shape.h"
#include "scheduler/service.h"

#define API_MAX_PARTS 8
#define API_MAX_BODY ((size_t)1 << 20)

struct api;
struct call;

/* Who may use a route. What a token opens beyond that is checked by the handler. */
enum api_access {
	API_OPEN,  /* anyone: the handler looks for itself (runner and job tokens) */
	API_READ,  /* a person's token with read_api or api */
	API_WRITE, /* with api */
	API_ADMIN, /* with api, an administrator's, for all projects */
	API_ACCESS_COUNT
};

struct api_route {
	const char *method;
	const char *pattern; /* "/api/v4/projects/:id/jobs/:job"; ":id" is any one part */
	enum api_access access;
	void (*handle)(struct call *c);
	bool streams_body; /* the handler reads the body; else it is in c->body */
};

/* One request and its answer. Lives until the answer is complete or the peer is gone. */
struct call {
	struct api *api;
	struct service *service;
	struct http_request *request;
	struct arena *arena;
	const struct api_route *route;
	const char *params[API_MAX_PARTS]; /* decoded, in the order of the pattern */
	size_t param_count;
	const char *body;
	size_t body_len;
	struct user *user; /* of the token; NULL: none */
	struct access_token *token;
	bool by_session;                 /* the token is a browser's cookie */
	void *data;                      /* the handler's */
	void (*on_gone)(struct call *c); /* the peer left before the answer */
	/* The server is ending, and who waits for something of the future waits in vain:
	 * answers now, or as soon as it can. NULL: it is in hand, and comes to its end.
	 */
	void (*on_drain)(struct call *c);
	struct call *next, *prev; /* open ones */
	size_t holds;
	bool is_gone, is_answered;
};

struct api *api_new(struct uv_loop_s *loop, struct service *service);
/* Those who wait are answered; what is in hand goes on. */
void api_drain(struct api *api);
/* From here on calls only end. */
void api_stop(struct api *api);
bool api_is_stopping(const struct api *api);
size_t api_open_calls(const struct api *api);
/* The open calls, by their next. */
struct call *api_calls(const struct api *api);
void api_free(struct api *api); /* NULL is fine */

/* For http_server_options.on_request; data is the api. */
void api_on_request(struct http_request *r, void *data);

/* ---- answering ------------------------------------------------------------------ */

void api_reply(
    struct call *c, int status, const char *type, const void *body, size_t len);
void api_json(struct call *c, int status, const struct buf *json);
void api_shape(
    struct call *c, int status, const struct json_shape *shape, const void *value);
void api_empty(struct call *c, int status);
/* {"message":"404 Project Not Found"} as GitLab words it. */
void api_error(struct call *c, int status, const char *fmt, ...) PRINTF(3, 4);
/* {"error":"ref is missing"}: GitLab's, for what a request lacks or mistypes. 400. */
void api_refuse(struct call *c, const char *fmt, ...) PRINTF(2, 3);
/* {"message":{"value":["is invalid"]}}: GitLab's, for a member that is not allowed; of no
 * member it is "base". 400. */
void api_refuse_member(struct call *c, const char *member, const char *fmt, ...)
    PRINTF(3, 4);
/* ERR_MISSING 404, ERR_INVALID 400, ERR_LIMIT 413, ERR_ENVIRONMENT 503, others 500. */
void api_fail(struct call *c, const struct error *err);
void api_header(struct call *c, const char *name, const char *fmt, ...) PRINTF(3, 4);

/*
 * A call that waits for something else than the peer's bytes is held: it stays until it
 * is let go as often, also when the peer is gone (c->is_gone), and answering is then
 * harmless.
 */
void api_hold(struct call *c);
void api_let_go(struct call *c);
/* A store_done_fn for a held call that ends without a body: 204, or why not. */
void api_done(void *data, const struct error *err);

/* ---- reading the request --------------------------------------------------------- */

/* Variables as requests give them: {"key", "value", "variable_type"}. */
struct api_variable {
	const char *key, *value, *type;
};
extern const struct json_shape api_variable_shape;
/* At the level of a pipeline's, in the call's arena. False after a 400, which names
 * member. */
bool api_variables(struct call *c, const char *member, const struct api_variable *given,
    size_t count, const struct var **out);

/* The numeric parameter; false after a 404. */
bool api_id(struct call *c, size_t param, int64_t *out);
/* The project a parameter names, by id or path; NULL after a 404, also if the caller may
 * not see it. */
struct project *api_project(struct call *c, size_t param);
/* Is the token for one project? Such a one is never an administrator's. */
bool api_is_bound(const struct call *c);
/* What the request says, into a struct of that shape: its query, and over it the body, as
 * JSON or as a form of either type. What the shape does not know is ignored, as GitLab
 * does. False after a 400. Strings live as long as the call. */
bool api_read(struct call *c, const struct json_shape *shape, void *out);

/* The job that a parameter names and a token opens (token NULL: the header JOB-TOKEN);
 * NULL after a 403, or a 503 while it may yet be loaded. Counts as a word of its runner.
 */
struct live_job *api_job_of_token(struct call *c, size_t param, const char *token);
/* A file of a job, as a download. */
void api_send_artifact(
    struct call *c, int64_t job, const char *type, const char *filename);

/* What all event streams of a server share. */
struct live;
struct live *live_new(struct service *service);
void live_free(struct live *l); /* NULL is fine */
struct live *api_live(const struct call *c);

/* Does a browser ask for a page? Whatever its address is, it is the same one. */
bool api_is_page(struct call *c);
void api_send_page(struct call *c);

/* A log: all of it, or what the header Range asks for. */
void api_send_log(struct call *c, int64_t job);
/* From a byte on, until the job has ended. */
void api_follow_log(struct call *c, int64_t job, int64_t from, bool as_events);

/* /GROUP/NAME.git/… */
bool api_is_git(struct call *c);
void api_git(struct call *c);
/* The hook of that push has said which refs it moved. */
void api_git_told(const struct api *api, int64_t push);
bool api_has_scope(const struct access_token *t, const char *scope);
struct uv_loop_s *api_loop(const struct call *c);

/* Call fn once, after so long, unless it is stopped before. */
struct api_timer;
struct api_timer *api_timer_start(
    struct call *c, uint64_t ms, void (*fn)(struct call *c));
void api_timer_stop(struct api_timer *t); /* NULL is fine */

/* ---- routes, each ending with a method of NULL ------------------------------------- */

extern const struct api_route api_event_routes[];
extern const struct api_route api_graph_routes[];
extern const struct api_route api_log_routes[];
extern const struct api_route api_plan_routes[];
extern const struct api_route api_queue_routes[];
extern const struct api_route api_run_form_routes[];
extern const struct api_route api_overview_routes[]; /* lists as pages show them */
extern const struct api_route api_pipeline_file_routes[];
extern const struct api_route api_test_routes[];    /* single tests and their history */
extern const struct api_route api_runner_routes[];  /* what runners speak */
extern const struct api_route api_session_routes[]; /* of browsers */
extern const struct api_route api_web_routes[];
extern const struct api_route api_runner_admin_routes[];
extern const struct api_route api_artifact_routes[];
extern const struct api_route api_artifact_file_routes[]; /* looked at */
extern const struct api_route api_project_routes[];
extern const struct api_route api_branch_routes[];
extern const struct api_route api_pipeline_routes[];
extern const struct api_route api_hook_routes[];
extern const struct api_route api_job_routes[];
extern const struct api_route api_job_file_routes[];
extern const struct api_route api_report_routes[]; /* of tests */
extern const struct api_route api_metrics_routes[];
extern const struct api_route api_system_routes[]; /* /-/health, /version */
extern const struct api_route api_lint_routes[];
extern const struct api_route api_token_routes[];
extern const struct api_route api_variable_routes[];
extern const struct api_route api_resource_group_routes[];
extern const struct api_route api_protected_ref_routes[];

#endif
