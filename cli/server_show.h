/* How a server's pipelines and jobs look to a person, and as JSON. */
#ifndef CLI_SERVER_SHOW_H
#define CLI_SERVER_SHOW_H

#include "cli/screen.h"
#include "cli/server_rows.h"

/* What the screen wants of each; strings lie in the arena or in jobs. */
struct screen_job *server_show_jobs(const struct server_jobs *jobs, struct arena *arena);

/* Success, but a job failed that may. */
bool server_show_has_warnings(const struct server_jobs *jobs);

/* One object with its jobs, on one line. */
void server_show_json(const struct server_pipeline *p, const struct server_jobs *jobs,
    struct arena *arena, struct buf *out);

/* Text from a server, made visible, in the arena. */
const char *server_show_text(const char *text, struct arena *arena);

#endif
