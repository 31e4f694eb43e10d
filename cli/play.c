/* pawl play: start manual jobs on the server. */
#include "cli/commands.h"
#include "cli/server_act.h"

static const struct option_row *const options[] = { server_pipeline_options,
	server_options, NULL };

static int
run(const struct args *args)
{
	static const struct server_act act = { "play", "Started", false };

	return server_act(&act, args);
}

const struct command command_play = {
	.name = "play",
	.usage = "JOB…",
	.summary = "start manual jobs on the server",
	.description =
	    "Starts manual jobs, and delayed ones before their time. JOB is a name in the latest "
	    "pipeline of HEAD or of this branch, or a job's id.",
	.options = options,
	.run = run,
};
