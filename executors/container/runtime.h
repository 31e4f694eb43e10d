/* The OCI runtime of this machine: crun, or runc where crun is not installed. */
#ifndef EXECUTORS_CONTAINER_RUNTIME_H
#define EXECUTORS_CONTAINER_RUNTIME_H

#include "base/error.h"
#include "base/str.h"

#define RUNTIME_STATE "runtime" /* below a container's folder: what the runtime knows */
#define RUNTIME_NAME "pawl-"    /* a container's name begins with it */

struct runtime {
	const char *program; /* its path */
	bool is_crun;
	bool own_groups; /* the container gets control groups of its own, to have more */
};

/* path: the one to take; NULL: $PAWL_OCI_RUNTIME, or what is installed and suits best.
 * ERR_ENVIRONMENT: there is none. */
MUST_CHECK int runtime_find(
    const char *path, bool privileged, struct runtime *out, struct error *err);

/*
 * Append its command for a container of the bundle, whose state is kept in state_dir;
 * the socket of pawl-init is handed on.
 */
void runtime_argv(const struct runtime *r, const char *bundle, const char *state_dir,
    const char *name, struct strlist *argv);

/* Remove what runtimes have left elsewhere that were killed; before job_dir goes. */
void runtime_sweep(const char *job_dir);

/*
 * A folder the runtime must not see, NULL: none. crun (1.8) takes the hybrid kind of
 * cgroups for an error.
 */
const char *runtime_hidden(const struct runtime *r, bool userns);

#endif
