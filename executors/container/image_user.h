/*
 * Who a container's processes are: USER of an image, or `docker:user`, looked up in the
 * image's own /etc/passwd and /etc/group, as Docker does.
 */
#ifndef EXECUTORS_CONTAINER_IMAGE_USER_H
#define EXECUTORS_CONTAINER_IMAGE_USER_H

#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

#define IMAGE_USER_GROUPS 64

struct image_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[IMAGE_USER_GROUPS]; /* those that name the user as a member */
	size_t group_count;
	char *home; /* malloced; "/" when nothing is known */
};

/*
 * text: "", "name", "uid", and either with ":group". layers: the image's, the top one
 * first. ERR_INVALID: there is no such user in the image.
 */
MUST_CHECK int image_user_find(const char *text, const struct strlist *layers,
    struct image_user *out, struct error *err);
void image_user_clear(struct image_user *u); /* a zeroed one is fine */
#define cleanup_image_user __attribute__((cleanup(image_user_clear)))

#endif
