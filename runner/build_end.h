/* The last line of a server's job, which says how it ended, as readers of GitLab's logs
 * know it. */
#ifndef RUNNER_BUILD_END_H
#define RUNNER_BUILD_END_H

#include "base/buf.h"
#include "protocol/reason.h"

#define BUILD_END_SUCCEEDED "\033[32;1mJob succeeded\033[0;m\n"

/* exit_code: of the script, when that is why; else 0. message: "": the reason's own. */
void build_end_line(
    enum reason reason, int exit_code, const char *message, struct buf *line);

/* What its supervisor says of it; what the build itself knows is left as it is. */
struct build_result;      /* runner/build.h */
struct supervisor_result; /* runner/supervisor.h */
void build_end_fill(struct build_result *out, const struct supervisor_result *from);

/* Why a job has failed whose files cannot be taken. */
enum reason build_end_reason_of_files(const struct error *err);

#endif
