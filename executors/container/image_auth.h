/*
 * Which credentials a registry is shown. Places are looked at in order; the first that
 * has some for the image's registry wins, and of its entries the one that names most of
 * the path. So a registry only ever sees what was meant for it.
 */
#ifndef EXECUTORS_CONTAINER_IMAGE_AUTH_H
#define EXECUTORS_CONTAINER_IMAGE_AUTH_H

#include "base/buf.h"
#include "base/str.h"

struct job_credential; /* protocol/job.h */

/* A text in the format of docker's config.json. */
struct image_auth_source {
	const char *what; /* for messages: "DOCKER_AUTH_CONFIG" */
	const char *json;
	bool helpers; /* its credHelpers and credsStore may be asked, which are programs
			 of this machine: only where its owner wrote the text */
};

struct image_auth {
	const struct image_auth_source *sources;
	size_t source_count;
	const struct job_credential *credentials; /* after them */
	size_t credential_count;
};

/* The config.json of who runs this; "" when there is none. */
void image_auth_read_own(struct buf *out);

/*
 * For repository, "host[:port]/path". out gets a config.json with one entry, or stays
 * empty when there are none; warnings a sentence for each text that cannot be read. auth
 * may be NULL. What is in out is secret.
 */
void image_auth_find(const struct image_auth *auth, const char *repository,
    struct buf *out, struct strlist *warnings);

#endif
