/* Where a runner keeps what its jobs share, below its state folder. Any thread. */
#ifndef RUNNER_REMOTE_PLACES_H
#define RUNNER_REMOTE_PLACES_H

#include "runner/remote_job.h"

/* malloced. No project sees another's caches, nor those of another server's. */
char *remote_cache_dir(const struct remote_context *c, const struct job_payload *job);

/* Of files that jobs of this server have left here, malloced. */
char *remote_layers_dir(const struct remote_context *c);

/* Hold what is kept to its marks, now and then. Blocks. */
void remote_tidy_up(const struct remote_context *c);

#endif
