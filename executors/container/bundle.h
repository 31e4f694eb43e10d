/*
 * A container of a job: its image fetched and held, its root mounted, its config.json
 * written, and the command that starts it around a pawl-init. For the job itself and for
 * its services.
 */
#ifndef EXECUTORS_CONTAINER_BUNDLE_H
#define EXECUTORS_CONTAINER_BUNDLE_H

#include "executors/container/image_store.h"
#include "executors/container/image_user.h"
#include "executors/container/oci_config.h"
#include "executors/container/runtime.h"
#include "executors/executor.h"

#define BUNDLE_BINDS 64
#define BUNDLE_INIT "/run/pawl-init" /* where a container has it */

struct bundle {
	/* what is wanted */
	struct executor_machine *machine;
	struct executor_job *job;
	const struct job_image *wanted;
	const char *name;  /* of the image, variables replaced */
	const char *dir;   /* what belongs to it lies there; made */
	struct cage *cage; /* mounts and locks go there, and what holds the image */

	/* what it is made of; the bundle's */
	struct runtime runtime;
	const struct image *image; /* held by the cage */
	struct image_user user;
	struct strlist lowers, args, env; /* args, env: of config.json */
	char *init;
	struct oci_bind binds[BUNDLE_BINDS];
	size_t bind_count;
};

/* Fetch the image, look up its user, bind its volumes. Sets job->reason when the image
 * cannot be had. */
MUST_CHECK int bundle_open(struct bundle *b, struct error *err);

void bundle_bind(
    struct bundle *b, const char *from, const char *to, bool read_only, bool no_setuid);

/* Mount the root, write config.json; argv gets the command. args and env are the
 * caller's to fill before; pawl-init is added. */
MUST_CHECK int bundle_write(struct bundle *b, struct strlist *argv, struct error *err);

void bundle_clear(struct bundle *b);

/* The image's environment, with what every container has. */
void bundle_fill_env(struct bundle *b);

#endif
