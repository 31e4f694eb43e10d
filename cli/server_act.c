/* Doing something to jobs or a pipeline on the server. */
#include "cli/server_act.h"

#include <stdio.h>

#include "base/visible.h"
#include "cli/server_show.h"

static int
act_on_job(
    struct server_session *s, const struct server_act *act, const struct server_job *job)
{
	struct server_link *l = &s->link;
	const char *name = server_show_text(job->name, l->arena);
	const char *what = arena_printf(l->arena, "cannot %s %s", act->verb, name);
	const char *path = arena_printf(l->arena,
	    "/api/v4/projects/%s/jobs/%" PRId64 "/%s", l->project, job->id, act->verb);
	struct server_job after = { 0 };
	int rc = server_link_object(l,
	    &(struct server_call){ .method = "POST", .path = path, .json = act->json },
	    &server_job_shape, l->arena, &after, what);

	if (rc != EXIT_OK)
		return rc;
	printf("%s %s, job %" PRId64 ": %s\n", act->done, name, after.id,
	    server_show_text(after.status_text, l->arena));
	return EXIT_OK;
}

static int
act_on_pipeline(struct server_session *s, const struct server_act *act)
{
	struct server_link *l = &s->link;
	struct server_pipeline p, after = { 0 };
	const char *what, *path;
	int rc = server_session_given_pipeline(s, &p);

	if (rc != EXIT_OK)
		return rc;
	what = arena_printf(l->arena, "cannot %s pipeline %" PRId64, act->verb, p.id);
	path = arena_printf(l->arena, "/api/v4/projects/%s/pipelines/%" PRId64 "/%s",
	    l->project, p.id, act->verb);
	rc =
	    server_link_object(l, &(struct server_call){ .method = "POST", .path = path },
		&server_pipeline_shape, l->arena, &after, what);
	if (rc != EXIT_OK)
		return rc;
	printf("%s pipeline %" PRId64 ": %s\n", act->done, p.id,
	    server_show_text(after.status_text, l->arena));
	return EXIT_OK;
}

int
server_act(const struct server_act *act, const struct args *args)
{
	cleanup_server_session struct server_session s = SERVER_SESSION_INIT;
	int rc;

	if (args_count(args) == 0 && !act->of_pipeline)
		return command_usage_error(
		    args, "which job? `pawl status` shows those of the pipeline");
	rc = server_session_open(&s, args);
	if (rc == EXIT_OK && args_count(args) == 0)
		return act_on_pipeline(&s, act);
	for (size_t i = 0; rc == EXIT_OK && i < args_count(args); i++) {
		struct server_job job;

		rc = server_session_job(&s, args_word(args, i), &job);
		if (rc == EXIT_OK)
			rc = act_on_job(&s, act, &job);
	}
	return rc;
}
