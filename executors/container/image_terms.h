/*
 * On which terms a job's image is fetched: whose credentials a registry may be shown, and
 * whether it is asked at all. The same whoever fetches it.
 */
#ifndef EXECUTORS_CONTAINER_IMAGE_TERMS_H
#define EXECUTORS_CONTAINER_IMAGE_TERMS_H

#include "base/buf.h"
#include "executors/container/image_store.h"
#include "protocol/job.h"

#define IMAGE_TERMS_POLICIES 8

/* Points into itself and into the job. What is in it is secret. */
struct image_terms {
	struct image_auth auth;
	enum image_policy policies[IMAGE_TERMS_POLICIES];
	size_t policy_count;

	struct image_auth_source sources[2];
	struct buf own;
};

/* usual: the policy of who runs the job, NULL: if-not-present. */
void image_terms_init(struct image_terms *t, const struct job_payload *job,
    const struct job_image *image, const char *usual);
void image_terms_clear(struct image_terms *t);

#endif
