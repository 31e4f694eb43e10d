/* pawl retry: run jobs of a pipeline on the server again. */
#include "cli/commands.h"
#include "cli/server_act.h"

static const struct option_row *const options[] = { server_pipeline_options,
	server_options, NULL };

static int
run(const struct args *args)
{
	static const struct server_act act = { "retry", "Retried", true };

	return server_act(&act, args);
}

const struct command command_retry = {
	.name = "retry",
	.usage = "[JOB…]",
	.summary = "run jobs of a pipeline on the server again",
	.description =
	    "Each job named runs again, as a new try; without a name, every job of the pipeline "
	    "that failed or was canceled. JOB is a name in the latest pipeline of HEAD or of "
	    "this branch, or a job's id.",
	.options = options,
	.run = run,
};
