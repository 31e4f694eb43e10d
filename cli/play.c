/* pawl play: start manual jobs on the server. */
#include "base/json_writer.h"
#include "cli/assign.h"
#include "cli/commands.h"
#include "cli/server_act.h"

static const struct option_row own_options[] = {
	{ 'v', "variable", "K=V", "set a variable of the job; may be repeated" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, server_pipeline_options,
	server_options, NULL };

static int
run(const struct args *args)
{
	struct server_act act = { .verb = "play", .done = "Started" };
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&json);
	struct vars vars;
	int rc;

	vars_init(&vars, arena, NULL);
	rc = assign_variables(args, &vars);
	if (rc != EXIT_OK)
		return rc;
	json_begin_object(&w);
	assign_put_variables(&w, "job_variables_attributes", &vars);
	json_end_object(&w);
	if (vars.count > 0)
		act.json = buf_str(&json);
	return server_act(&act, args);
}

const struct command command_play = {
	.name = "play",
	.usage = "JOB…",
	.summary = "start manual jobs on the server",
	.description =
	    "Starts manual jobs, and delayed ones before their time. JOB is a name in the latest "
	    "pipeline of HEAD or of this branch, or a job's id. Variables go over those of the "
	    "file, and are there for later tries, too.",
	.options = options,
	.run = run,
};
