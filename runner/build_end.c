/* Words for the end of a job. */
#include "runner/build_end.h"

static bool
is_of_system(enum reason reason)
{
	return reason == REASON_RUNNER_SYSTEM_FAILURE ||
	    reason == REASON_MISSING_DEPENDENCY_FAILURE;
}

void
build_end_line(enum reason reason, int exit_code, const char *message, struct buf *line)
{
	if (reason == REASON_NONE)
		buf_add_str(line, BUILD_END_SUCCEEDED);
	else if (reason == REASON_SCRIPT_FAILURE && exit_code != 0)
		buf_printf(line, "\033[31;1mERROR: Job failed: exit code %d\033[0;m\n",
		    exit_code);
	else
		buf_printf(line, "\033[31;1mERROR: Job failed%s: %s\033[0;m\n",
		    is_of_system(reason) ? " (system failure)" : "",
		    *message != '\0' ? message : reason_text(reason));
}

/* Files the job made that cannot be taken as they are fail it as its script would, as
 * with GitLab's runner: another try would fare no better. */
enum reason
build_end_reason_of_files(const struct error *err)
{
	return err->code == ERR_INVALID || err->code == ERR_LIMIT
	    ? REASON_SCRIPT_FAILURE
	    : REASON_RUNNER_SYSTEM_FAILURE;
}
