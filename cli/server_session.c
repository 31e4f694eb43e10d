/* From the options and the clone to a server, a project, a pipeline, a job. */
#include "cli/server_session.h"

#include <stdio.h>
#include <unistd.h>

#include "base/git.h"
#include "base/visible.h"

const struct option_row server_options[] = {
	{ 'C', "directory", "DIR", "work on the repository in DIR instead of here" },
	{ 0, "server", "URL",
	    "the server (default: that of the clone's remote; see `pawl login --help`)" },
	{ 0, "project", "GROUP/NAME", "the project on it (default: the remote's path)" },
	{ 0 },
};

const struct option_row server_pipeline_options[] = {
	{ 0, "pipeline", "ID",
	    "the pipeline the job is in (default: the latest one of HEAD, else of this "
	    "branch)" },
	{ 0 },
};

static int
fail(const struct error *err, int exit_code)
{
	(void)fprintf(stderr, "pawl: %s\n", err->msg);
	return exit_code;
}

/* ---- opening ----------------------------------------------------------------- */

struct clone {
	struct strlist config;
	struct git_facts facts;
	bool is_there, has_commit;
};

/* A command that was told server and project needs no clone, so that having none is no
 * error yet. */
static int
look_at_clone(const struct args *args, struct clone *clone)
{
	const char *dir = args_value(args, "directory");
	cleanup_git_repo struct git_repo *repo = NULL;
	struct error err = ERROR_INIT;

	if (git_repo_open(dir != NULL ? dir : ".", &repo, &err) < 0) {
		if (dir != NULL || err.code != ERR_MISSING)
			return fail(&err, EXIT_INVALID);
		return EXIT_OK;
	}
	if (git_repo_config(repo, &clone->config, &err) < 0)
		return fail(&err, EXIT_INVALID);
	clone->is_there = true;
	clone->has_commit = git_repo_facts(repo, NULL, &clone->facts, &err) == 0;
	return EXIT_OK;
}

/* The token of the URL, then that of `pawl login`, then the environment's. */
static void
choose_token(struct remote *remote, const struct logins *logins, struct server_session *s)
{
	const char *env = getenv("PAWL_TOKEN"), *kept;

	kept = logins_token(logins, remote->server);
	if (remote->token != NULL) {
		s->link.token_from = "the token in the remote's URL";
	} else if (kept != NULL) {
		remote->token = kept;
		s->link.token_from = "the token `pawl login` kept";
	} else if (env != NULL && *env != '\0' && strpbrk(env, "\r\n") == NULL) {
		remote->token = env;
		s->link.token_from = "the token in PAWL_TOKEN";
	}
}

static int
choose(struct server_session *s, const struct clone *clone, const char *url,
    struct arena *arena)
{
	cleanup_free char *path = logins_path();
	struct error err = ERROR_INIT;
	struct logins logins;
	struct remote_wanted wanted = { .project = args_value(s->args, "project"),
		.config = clone->is_there ? &clone->config : NULL,
		.branch = clone->facts.branch,
		.logins = &logins };
	struct remote remote = { NULL };

	if (logins_load(path, arena, &logins, &err) < 0)
		return fail(&err, EXIT_INVALID);
	if (url != NULL && remote_read_server(url, arena, &wanted.server, &err) < 0)
		return command_usage_error(s->args, "%s", err.msg);
	if (remote_choose(&wanted, arena, &remote, &err) < 0)
		return fail(&err, EXIT_INVALID);
	choose_token(&remote, &logins, s);
	return server_link_open(&s->link, &remote);
}

int
server_session_open_server(
    struct server_session *s, const struct args *args, const char *url)
{
	cleanup_arena struct arena *arena = arena_new();
	struct clone clone = { .config = STRLIST_INIT, .facts = GIT_FACTS_INIT };
	int rc;

	s->args = args;
	rc = look_at_clone(args, &clone);
	if (rc == EXIT_OK)
		rc = choose(s, &clone, url, arena);
	if (rc == EXIT_OK && clone.has_commit) {
		s->branch = arena_strdup(s->link.arena, clone.facts.branch);
		s->sha = arena_strdup(s->link.arena, clone.facts.sha);
	}
	strlist_clear(&clone.config);
	git_facts_clear(&clone.facts);
	return rc;
}

int
server_session_open(struct server_session *s, const struct args *args)
{
	int rc = server_session_open_server(s, args, args_value(args, "server"));

	if (rc != EXIT_OK || s->link.project != NULL)
		return rc;
	(void)fprintf(stderr,
	    "pawl: which project of %s? no remote of this clone lies there; say "
	    "--project GROUP/NAME\n",
	    s->link.remote.server);
	return EXIT_INVALID;
}

void
server_session_close(struct server_session *s)
{
	server_link_close(&s->link);
}

/* ---- pipelines --------------------------------------------------------------- */

static int
say_no_pipeline(const struct server_session *s, bool only_head)
{
	const struct remote *r = &s->link.remote;

	if (s->sha == NULL)
		(void)fprintf(stderr,
		    "pawl: which pipeline? there is no commit here; say its id\n");
	else if (s->branch != NULL)
		(void)fprintf(stderr,
		    "pawl: %s of %s has no pipeline of %s%.8s%s%s; was it pushed?\n",
		    r->project, r->server, only_head ? "commit " : "", s->sha,
		    only_head ? " on " : ", nor of ", s->branch);
	else
		(void)fprintf(stderr,
		    "pawl: %s of %s has no pipeline of commit %.8s; was it pushed?\n",
		    r->project, r->server, s->sha);
	return EXIT_INVALID;
}

static int
find_latest(struct server_session *s, bool only_head, struct server_pipeline *out)
{
	struct server_link *l = &s->link;
	int rc = EXIT_OK;

	*out = (struct server_pipeline){ 0 };
	if (s->sha != NULL)
		rc = server_rows_latest(l, s->sha, s->branch, l->arena, out);
	if (rc != EXIT_OK || out->id != 0)
		return rc;
	if (s->branch != NULL && !only_head)
		rc = server_rows_latest(l, NULL, s->branch, l->arena, out);
	if (rc != EXIT_OK)
		return rc;
	if (out->id == 0)
		return say_no_pipeline(s, only_head);
	(void)fprintf(stderr,
	    "pawl: HEAD (%.8s) has no pipeline; this is the latest of %s, at %.8s\n",
	    s->sha, s->branch, out->sha);
	return EXIT_OK;
}

int
server_session_pipeline(
    struct server_session *s, const char *id, bool only_head, struct server_pipeline *out)
{
	int64_t n;

	if (id == NULL)
		return find_latest(s, only_head, out);
	if (!str_to_int64(*id == '#' ? id + 1 : id, &n) || n < 1)
		return command_usage_error(
		    s->args, "%s: wanted the id of a pipeline, a number", id);
	return server_rows_pipeline(&s->link, n, s->link.arena, out);
}

int
server_session_given_pipeline(struct server_session *s, struct server_pipeline *out)
{
	return server_session_pipeline(s, args_value(s->args, "pipeline"), false, out);
}

/* ---- jobs -------------------------------------------------------------------- */

int
server_session_no_job(const struct server_jobs *jobs, const char *word)
{
	const char **names = xcalloc(jobs->count + 1, sizeof(*names));
	cleanup_buf struct buf shown = BUF_INIT;
	const char *near;

	for (size_t i = 0; i < jobs->count; i++)
		names[i] = jobs->items[i].name;
	visible_add(&shown, word);
	buf_add_str(&shown, "\"");
	near = str_nearest(word, names);
	if (near != NULL) {
		buf_add_str(&shown, "; did you mean \"");
		visible_add(&shown, near);
		buf_add_str(&shown, "\"?");
	} else {
		buf_add_str(&shown, " in this pipeline; `pawl status` shows its jobs");
	}
	(void)fprintf(stderr, "pawl: there is no job \"%s\n", buf_str(&shown));
	free(names);
	return EXIT_INVALID;
}

int
server_session_job(struct server_session *s, const char *word, struct server_job *out)
{
	struct server_link *l = &s->link;
	struct server_pipeline pipeline = { .id = 0 };
	struct server_jobs jobs = { .count = 0 };
	int64_t id;
	int rc;

	if (str_to_int64(word, &id) && id > 0)
		return server_rows_job(l, id, l->arena, out);
	rc = server_session_given_pipeline(s, &pipeline);
	if (rc == EXIT_OK)
		rc = server_rows_jobs(l, pipeline.id, l->arena, &jobs);
	if (rc != EXIT_OK)
		return rc;
	for (size_t i = 0; i < jobs.count; i++)
		if (str_eq(jobs.items[i].name, word)) {
			*out = jobs.items[i];
			return EXIT_OK;
		}
	return server_session_no_job(&jobs, word);
}
