/*
 * What containers get to see beside their image, as a runner's settings say it: "/DIR" is
 * a folder the containers of one job share and that goes with it, "/FROM:/TO[:ro]" is
 * what lies on this machine. The words are those of Docker's -v and GitLab's runner.
 */
#ifndef EXECUTORS_VOLUME_H
#define EXECUTORS_VOLUME_H

#include "base/arena.h"
#include "base/error.h"

#define VOLUMES_MAX 16 /* of one runner */

struct volume {
	const char *source; /* NULL: the job's own */
	const char *target;
	bool read_only;
};

/* Strings lie in the arena. ERR_INVALID. */
MUST_CHECK int volume_parse(
    const char *text, struct arena *arena, struct volume *out, struct error *err);

#endif
