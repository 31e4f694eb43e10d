/* Asking servers whether they know a runner, and remembering those that do. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/http_client.h"
#include "base/path.h"
#include "base/str.h"
#include "runner/identity.h"
#include "runner/main_options.h"
#include "runner/settings_edit.h"

#define QUESTION_LIMIT_MS 60000

struct question {
	int status;
	struct runner_identity identity;
	struct error error;
};

static void
on_reply(struct http_call *call UNUSED, const struct http_reply *reply, void *data)
{
	struct question *q = data;
	char words[256];

	q->status = reply->status;
	error_answer_read(reply->status, reply->body, reply->len, words, sizeof(words));
	if (reply->status == 0)
		error_set(&q->error, ERR_ENVIRONMENT, "%s", reply->error->msg);
	else if (reply->status == 200 || reply->status == 201)
		(void)(runner_identity_read(
			   reply->body, reply->len, &q->identity, &q->error) < 0);
	else if (reply->status == 403)
		error_set(&q->error, ERR_INVALID, "the server does not know this token");
	else
		error_set(&q->error, ERR_FOREIGN, "the server answered %s", words);
}

static int
ask(const struct runner_server *server, const char *path,
    const struct runner_request *request, struct question *q)
{
	struct http_client_options client_options = { .unix_socket = server->unix_socket,
		.ca_file = server->ca_file,
		.cert_file = server->cert_file,
		.key_file = server->key_file,
		.user_agent = "pawl-runner " PACKAGE_VERSION };
	cleanup_free char *api = identity_api(server->url);
	cleanup_free char *url = xasprintf("%s/%s", api, path);
	cleanup_free char *token = xasprintf("RUNNER-TOKEN: %s", server->token);
	const char *headers[] = { "Content-Type: application/json",
		"Accept: application/json", token, NULL };
	cleanup_buf struct buf body = BUF_INIT;
	struct http_client *client = NULL;
	struct http_call_options o = { .method = "POST",
		.url = url,
		.headers = headers,
		.timeout_ms = QUESTION_LIMIT_MS,
		.on_done = on_reply,
		.data = q };
	uv_loop_t loop;

	uv_loop_init(&loop);
	if (http_client_new(&loop, &client_options, &client, &q->error) == 0) {
		runner_request_write(request, &body);
		o.body = body.data;
		o.body_len = body.len;
		(void)http_send(client, &o);
		uv_run(&loop, UV_RUN_DEFAULT);
		http_client_free(client);
		uv_run(&loop, UV_RUN_DEFAULT);
	}
	uv_loop_close(&loop);
	return q->error.code;
}

static int
verify_server(
    const struct options *o, const struct runner_server *server, struct question *q)
{
	struct runner_request r = { .info = identity_info(PACKAGE_VERSION, "shell"),
		.token = server->token };
	char system_id[IDENTITY_SYSTEM_ID];
	struct error ignored = ERROR_INIT;

	if (path_mkdirs(o->settings.state_dir, 0700, &ignored) == 0 &&
	    identity_system_id(o->settings.state_dir, system_id, &ignored) == 0)
		r.system_id = system_id;
	return ask(server, "runners/verify", &r, q);
}

/* Without an answer the message names the address itself. */
static void
complain(const struct runner_server *server, const struct question *q)
{
	if (q->status == 0)
		options_complain("%s", q->error.msg);
	else
		options_complain("%s: %s", server->url, q->error.msg);
}

int
options_verify(struct options *o)
{
	int rc = OPTIONS_OK;

	for (size_t i = 0; i < o->settings.server_count; i++) {
		const struct runner_server *server = &o->settings.servers[i];
		struct question q = { .status = 0 };

		if (verify_server(o, server, &q) < 0) {
			complain(server, &q);
			rc = q.status == 0 ? OPTIONS_FAULT : OPTIONS_FAILED;
		} else {
			(void)printf("%s: runner %" PRId64 " is known\n", server->url,
			    q.identity.id);
		}
	}
	return rc;
}

/* What a person wrote there stays as it is. */
static int
write_settings(const char *path, struct settings_change *change, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (access(path, F_OK) == 0 &&
	    buf_read_file(&text, path, SETTINGS_MAX_BYTES, err) < 0)
		return err->code;
	if (settings_edit(&text, path, change, err) < 0 ||
	    path_mkdirs_at(AT_FDCWD, path, 0755, err) < 0)
		return err->code;
	return path_write_file(path, text.data, text.len, 0600, err);
}

/* Besides the server. */
static void
say_settings(const struct options *o)
{
	const struct runner_settings *said = &o->said;
	const char *const words[][2] = { { "name", said->name },
		{ "state", said->state_dir }, { "executor", said->executor },
		{ "log_format", said->log_format } };

	if (said->concurrent > 0)
		(void)printf(
		    "%s: concurrent is %" PRId64 "\n", o->config, said->concurrent);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i][1] != NULL)
			(void)printf(
			    "%s: %s is %s\n", o->config, words[i][0], words[i][1]);
}

static int
register_new(struct options *o, struct runner_server *server, struct question *q)
{
	struct runner_request r = {
		.info = identity_info(PACKAGE_VERSION, "shell"),
		.token = server->token,
		.registers = true,
		.description = o->description != NULL ? o->description : o->settings.name,
		.run_untagged = o->tags == NULL,
	};
	const char *tags[] = { o->tags };

	if (o->tags != NULL) { /* "a,b" goes out as it came in */
		r.tags = tags;
		r.tag_count = 1;
	}
	if (ask(server, "runners", &r, q) < 0)
		return q->error.code;
	server->token = arena_strdup(o->arena, q->identity.token);
	server->token_file = NULL; /* that one has another token */
	return 0;
}

/* runner-protocol.md section 2: a token of this form is a runner's already, and nothing
 * that such a token may do changes a description or tags. */
static bool
is_runner_token(const char *token)
{
	return str_starts(token, "glrt-");
}

/* What a runner that exists cannot be given here is not passed over. */
static bool
refuse_attributes(const struct options *o)
{
	if (o->description == NULL && o->tags == NULL)
		return false;
	options_complain("%s: the token is that of a runner that exists; its description "
			 "and tags are set at the server, where it was made",
	    o->description != NULL ? "--description" : "--tags");
	return true;
}

int
options_register(struct options *o)
{
	struct runner_server *server = &o->settings.servers[o->settings.server_count - 1];
	struct question q = { .status = 0 };
	struct settings_change change = { .said = &o->said, .server = server };
	struct error err = ERROR_INIT;
	int rc;

	if (o->given.url == NULL) {
		options_complain("register wants --url URL and --token-file FILE");
		return OPTIONS_INVALID;
	}
	if (is_runner_token(server->token) && refuse_attributes(o))
		return OPTIONS_INVALID;
	rc = is_runner_token(server->token) ? verify_server(o, server, &q)
					    : register_new(o, server, &q);
	if (rc < 0) {
		complain(server, &q);
		return q.status == 0 ? OPTIONS_FAULT : OPTIONS_FAILED;
	}
	if (o->config == NULL) {
		options_complain(
		    "HOME is not set: say with --config FILE where the settings "
		    "are kept");
		return OPTIONS_INVALID;
	}
	if (server->token_file != NULL)
		server->token = NULL; /* settings have one of both */
	if (write_settings(o->config, &change, &err) < 0) {
		options_complain("the settings cannot be written: %s", err.msg);
		return OPTIONS_INVALID;
	}
	(void)printf("runner %" PRId64 " is known to %s\n", q.identity.id, server->url);
	if (change.replaced_line > 0)
		(void)printf("%s: line %u: takes the place of what was there for %s\n",
		    o->config, change.replaced_line, server->url);
	else
		(void)printf("%s: a server more\n", o->config);
	say_settings(o);
	return OPTIONS_OK;
}
