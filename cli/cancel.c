/* pawl cancel: cancel jobs or a pipeline on the server. */
#include "cli/commands.h"
#include "cli/server_act.h"

static const struct option_row *const options[] = { server_pipeline_options,
	server_options, NULL };

static int
run(const struct args *args)
{
	static const struct server_act act = { "cancel", "Canceled", true };

	return server_act(&act, args);
}

const struct command command_cancel = {
	.name = "cancel",
	.usage = "[JOB…]",
	.summary = "cancel jobs or a pipeline on the server",
	.description =
	    "Cancels each job named, or, without a name, the whole pipeline. What runs is asked to "
	    "end, and its after_script still runs. JOB is a name in the latest pipeline of "
	    "HEAD or of this branch, or a job's id.",
	.options = options,
	.run = run,
};
