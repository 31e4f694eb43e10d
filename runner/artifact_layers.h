/*
 * Files that a job on this machine has left, as a layer: DIR/<job id>/layers.set in a
 * store of layers (runner/layer_store.h). The next job gets them by a mount; the archive
 * of the same files is for everybody else. Whatever goes wrong with a layer is no failure
 * as long as there is the archive. All calls block; any thread.
 */
#ifndef RUNNER_ARTIFACT_LAYERS_H
#define RUNNER_ARTIFACT_LAYERS_H

#include <stdatomic.h>

#include "protocol/job.h"
#include "runner/layer_store.h"
#include "runner/workspace.h"

struct artifact_layer {
	char *tree; /* the folder with the files; malloced */
	size_t files;
	int64_t bytes;
	struct layer_lease lease; /* it stays for as long as this is held */
};

#define ARTIFACT_LAYER_INIT                                                              \
	{                                                                                \
		.lease = LAYER_LEASE_INIT                                                \
	}

void artifact_layer_clear(struct artifact_layer *layer);

/*
 * Keep these files of a workspace of layers. Those the job has written are linked, not
 * copied, when nobody is to write them any more (may_link). No file gets older than the
 * snapshot's newest. archive_bytes as in struct layer_set.
 */
MUST_CHECK int artifact_layers_save(const char *dir, int64_t job,
    const struct workspace_view *view, const struct strlist *paths, bool may_link,
    int64_t archive_bytes, const atomic_bool *cancel, struct artifact_layer *out,
    struct error *err);

/* The job leaves none, or anew. */
void artifact_layers_forget(const char *dir, int64_t job);

struct artifact_mounts {
	size_t done; /* of job->dependencies, from the first: nothing is left to do */
	struct strlist layers;    /* their folders, the top one first */
	struct layer_lease lease; /* of those of all dependencies, also what is copied */
	bool announced;           /* the log says that artifacts are fetched */
};

/*
 * Look for files of job->dependencies that can be laid over the snapshot as they are, in
 * their order up to the first that cannot; none of them when may_mount is not set.
 */
void artifact_mount(const struct job_payload *job, const struct workspace_view *view,
    const char *dir, bool may_mount, struct artifact_mounts *out, struct buf *log);
void artifact_mounts_clear(struct artifact_mounts *m);

/* Is there a layer of the very files in the dependency's archive? */
bool artifact_layers_have(const char *dir, const struct job_dependency *d);

/* Name the layers of all dependencies as in use. */
MUST_CHECK int artifact_layers_lease(const char *dir, const struct job_payload *job,
    struct layer_lease *out, struct error *err);

/* Copy the files of a dependency into a workspace. ERR_MISSING: there is no layer. */
MUST_CHECK int artifact_layers_copy(const char *dir, const struct job_dependency *d,
    const struct workspace_view *view, const atomic_bool *cancel, size_t *files,
    struct error *err);

/* One file. ERR_MISSING: no such layer or file; ERR_LIMIT: above max bytes. */
MUST_CHECK int artifact_layers_read(const char *dir, int64_t job, const char *path,
    size_t max, struct buf *out, struct error *err);

#endif
