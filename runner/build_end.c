/* What is said of a job that is over. */
#include "runner/build_end.h"

#include <stdio.h>

#include "runner/build.h"
#include "runner/supervisor.h"
#include "runner/supervisor/wire.h"

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

void
build_end_fill(struct build_result *r, const struct supervisor_result *s)
{
	r->reason = s->reason;
	r->exit_code = s->exit_code;
	r->signal = s->signal;
	r->log_bytes = s->trace_bytes;
	r->duration_us = s->duration_us;
	r->cpu_us = s->cpu_us;
	r->peak_rss_bytes = s->peak_rss_bytes;
	r->read_bytes = s->read_bytes;
	r->written_bytes = s->written_bytes;
	r->usage_is_notable = wire_result_is_notable(
	    s->duration_us, s->cpu_us, s->peak_rss_bytes, s->written_bytes);
	(void)snprintf(r->message, sizeof(r->message), "%s", s->message);
}
