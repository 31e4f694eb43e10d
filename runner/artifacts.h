/*
 * What a job leaves for others: files matched by artifacts:paths, exclude and untracked
 * packed into one archive, and its reports. All calls block (worker threads); text for
 * the job's log is appended to log, and masked by whoever passes it on.
 * Source: runner-protocol.md section 9, gitlab-ci-language.md section 6.
 */
#ifndef RUNNER_ARTIFACTS_H
#define RUNNER_ARTIFACTS_H

#include <stdatomic.h>

#include "protocol/job.h"
#include "runner/artifact_layers.h"
#include "runner/workspace.h"

/* In the store: DIR/<job id>/artifacts.tar.zst, DIR/<job id>/reports/<type>/<file>. */
#define ARTIFACTS_FILE_NAME "artifacts.tar.zst"
#define ARTIFACTS_ZIP_NAME "artifacts.zip" /* instead of it, when a server gave it */

struct artifacts_result {
	char *path; /* of the archive, malloced; NULL: nothing matched */
	size_t files;
	int64_t bytes; /* of the files */
	/* There is a layer already, and the archive is to be made of it: of these files.
	 */
	struct artifact_layer layer; /* tree NULL: there is none */
	struct strlist paths;
	int level;
};

#define ARTIFACTS_RESULT_INIT                                                            \
	{                                                                                \
		.layer = ARTIFACT_LAYER_INIT                                             \
	}

void artifacts_result_clear(struct artifacts_result *r);

/*
 * Where files of jobs lie: archives in dir, and layers, where a workspace has some, in
 * layers_dir (runner/artifact_layers.h; NULL: none are kept).
 */
struct artifacts_store {
	const char *dir, *layers_dir;
};

/*
 * Keep what the job's artifacts entries with a fitting `when` match in the workspace, and
 * its reports. With a layer the archive is left to artifacts_archive(). cancel, when set
 * by another thread, ends it with ERR_CANCELED. Nothing matched is a warning in log, no
 * error.
 */
MUST_CHECK int artifacts_collect(const struct job_payload *job, bool success,
    const struct workspace_view *view, const struct artifacts_store *store,
    const atomic_bool *cancel, struct artifacts_result *out, struct buf *log,
    struct error *err);

/* Make the archive of a result that has a layer, at its path. */
MUST_CHECK int artifacts_archive(const struct artifacts_result *r, struct error *err);

/* What a server gets of one entry of job->artifacts. */
struct artifacts_packed {
	const struct job_artifact *of;
	char *path;     /* of the file to send */
	char *filename; /* "artifacts.zip" */
};

struct artifacts_packed_list {
	struct artifacts_packed *items;
	size_t count, cap;
};

/*
 * The same for a server, into files below dir, which is emptied before: a zip for what
 * has that format, gzip members for reports, the file itself for "raw". A layer of
 * the zip's files is kept in layers_dir, unless that is NULL.
 */
MUST_CHECK int artifacts_pack(const struct job_payload *job, bool success,
    const struct workspace_view *view, const char *dir, const char *layers_dir,
    const atomic_bool *cancel, struct artifacts_packed_list *out, struct buf *log,
    struct error *err);
void artifacts_packed_clear(struct artifacts_packed_list *list);

/*
 * Unpack the archives of job->dependencies, or copy their layers. No file gets older than
 * the snapshot's newest (in place: times as packed). mounts (may be NULL) says what is
 * there already. ERR_MISSING: an archive that was made is gone.
 */
MUST_CHECK int artifacts_restore(const struct job_payload *job,
    const struct workspace_view *view, const struct artifacts_store *store,
    const struct artifact_mounts *mounts, const atomic_bool *cancel, struct buf *log,
    struct error *err);

/* The files of a report of a job, joined. ERR_MISSING: it left none. */
MUST_CHECK int artifacts_read_report(const char *store_dir, int64_t job_id,
    const char *type, struct buf *out, struct error *err);

/* One file out of a job's archive (trigger:include:artifact). ERR_MISSING: not in it. */
MUST_CHECK int artifacts_read_file(const struct artifacts_store *store, int64_t job_id,
    const char *path, size_t max, struct buf *out, struct error *err);

#endif
