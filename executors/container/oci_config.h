/*
 * The config.json of a job's container (github.com/opencontainers/runtime-spec): what
 * Docker gives a container by default, around pawl-init. It lies on disk, so it holds
 * nothing of the job's variables.
 */
#ifndef EXECUTORS_CONTAINER_OCI_CONFIG_H
#define EXECUTORS_CONTAINER_OCI_CONFIG_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

struct oci_bind {
	const char *from, *to;
	bool read_only;
	bool no_setuid; /* programs in it become nobody else */
};

struct oci_config {
	const char *root; /* the image's tree, which the container may write */
	const char *hostname;
	struct strlist args; /* entrypoint and pawl-init */
	struct strlist env;
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* further ones */
	size_t group_count;
	const struct oci_bind *binds;
	size_t bind_count;
	bool userns;        /* root in there is this user */
	bool own_network;   /* with nothing but its loopback; false: the runtime's */
	bool privileged;    /* all that root of the machine may do */
	const char *group;  /* its control group; NULL: the runtime has its say */
	const char *filter; /* the system call filter, base64; NULL: as names */
};

void oci_config_write(const struct oci_config *c, struct buf *out);

#endif
