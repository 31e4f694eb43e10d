/* pawl trigger: a new pipeline on the server. */
#include <stdio.h>

#include "base/json_writer.h"
#include "cli/assign.h"
#include "cli/commands.h"
#include "cli/server_session.h"
#include "cli/server_show.h"

static const struct option_row own_options[] = {
	{ 0, "ref", "REF", "the branch or tag (default: the current branch)" },
	{ 'v', "variable", "K=V", "set a pipeline variable; may be repeated" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, server_options, NULL };

static void
write_request(const char *ref, const struct vars *vars, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_string(&w, "ref", ref);
	assign_put_variables(&w, "variables", vars);
	json_end_object(&w);
}

static int
trigger(struct server_session *s, const char *ref, const struct vars *vars)
{
	struct server_link *l = &s->link;
	cleanup_buf struct buf json = BUF_INIT;
	const char *shown = server_show_text(ref, l->arena);
	const char *what = arena_printf(l->arena, "no pipeline of %s was made", shown);
	const char *path =
	    arena_printf(l->arena, "/api/v4/projects/%s/pipeline", l->project);
	struct server_pipeline p = { 0 };
	int rc;

	write_request(ref, vars, &json);
	rc = server_link_object(l,
	    &(struct server_call){
		.method = "POST", .path = path, .json = buf_str(&json) },
	    &server_pipeline_shape, l->arena, &p, what);
	if (rc == EXIT_OK)
		printf("Pipeline %" PRId64 " of %s: %s\n", p.id, shown,
		    server_show_text(p.web_url, l->arena));
	return rc;
}

static int
run(const struct args *args)
{
	cleanup_server_session struct server_session s = SERVER_SESSION_INIT;
	const char *ref = args_value(args, "ref");
	cleanup_arena struct arena *arena = arena_new();
	struct vars vars;
	int rc;

	if (args_count(args) > 0)
		return command_usage_error(args,
		    "takes no words; a branch or tag is --ref %s", args_word(args, 0));
	vars_init(&vars, arena, NULL);
	rc = assign_variables(args, &vars);
	if (rc == EXIT_OK)
		rc = server_session_open(&s, args);
	if (rc == EXIT_OK && ref == NULL && (ref = s.branch) == NULL)
		rc = command_usage_error(args, "no branch is checked out; say --ref");
	if (rc == EXIT_OK)
		rc = trigger(&s, ref, &vars);
	return rc;
}

const struct command command_trigger = {
	.name = "trigger",
	.usage = "",
	.summary = "start a pipeline on the server",
	.description =
	    "Starts a pipeline of a branch or tag as the server has it, and prints its id and "
	    "address. `pawl status --wait ID` follows it. In the pipeline, "
	    "CI_PIPELINE_SOURCE is api.",
	.options = options,
	.run = run,
};
