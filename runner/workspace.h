/*
 * Where a job works: a private view of the snapshot at CI_PROJECT_DIR, by overlay where a
 * mount namespace can be had, else a copy (reflinked where the file system can) bound
 * there, else a copy at a path that only jobs running at the same time do not share. Only
 * recipes are made here; the supervisor mounts. Read-only after workspaces_new(), any
 * thread.
 */
#ifndef RUNNER_WORKSPACE_H
#define RUNNER_WORKSPACE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "runner/jobdir.h"
#include "runner/snapshot.h"
#include "runner/supervisor/spec.h"

enum workspace_mode {
	WORKSPACE_AUTO, /* overlay, else copy; $PAWL_WORKSPACE may say which */
	WORKSPACE_OVERLAY,
	WORKSPACE_COPY,
	WORKSPACE_EMPTY,      /* an empty folder: GIT_STRATEGY none or empty */
	WORKSPACE_COPY_SEEN,  /* a copy nothing is mounted for: everybody sees it */
	WORKSPACE_EMPTY_SEEN, /* the same, empty */
	WORKSPACE_IN_PLACE,   /* the work tree itself; no snapshot */
};

/* "auto", "overlay", "copy": what PAWL_WORKSPACE may say. */
bool workspace_mode_parse(const char *name, enum workspace_mode *out);

struct workspaces;

struct workspaces_options {
	const char *scratch_dir;         /* jobs/ and builds/ lie below */
	const struct snapshot *snapshot; /* NULL for in place */
	const char *root;                /* of the work tree */
	const char *project_name; /* or its whole path: the end of CI_PROJECT_DIR */
	enum workspace_mode mode;
};

/* ERR_INVALID: $PAWL_WORKSPACE is none of the above. ERR_ENVIRONMENT: unwritable. */
MUST_CHECK int workspaces_new(
    const struct workspaces_options *options, struct workspaces **out, struct error *err);
void workspaces_free(struct workspaces *w);

const char *workspaces_jobs_dir(const struct workspaces *w);

/* The end of CI_PROJECT_DIR, safe in a path. */
const char *workspaces_project_name(const struct workspaces *w);

/* Jobs work in the work tree itself. */
bool workspaces_in_place(const struct workspaces *w);

/* In a sentence, which kind is tried first and, if not overlay, why. */
const char *workspaces_explain(const struct workspaces *w);

/*
 * Fill the workspace part of spec (mode, userns, project_dir, source, lowers, upper,
 * work) for the job whose folder this is; strings go into arena's memory. wanted
 * overrides the common mode for this job (PAWL_WORKSPACE, or another try after a mount
 * failed), except in place. Blocks while a copy is made, until cancel (may be NULL) is
 * set: call it on a worker then.
 */
MUST_CHECK int workspace_prepare(const struct workspaces *w, const struct jobdir *dir,
    enum workspace_mode wanted, const atomic_bool *cancel, struct arena *arena,
    struct spec *spec, struct error *err);

/*
 * A workspace while no process of the job is in it, for restoring and collecting. All
 * of it belongs to the build.
 */
struct workspace_view {
	int fd;                          /* its folder, seen through the job's mounts */
	const char *project_dir;         /* the path the job knows it by */
	const struct strlist *env;       /* the job's, for names that hold variables */
	const struct snapshot *snapshot; /* NULL in place */
	/* Of an overlay, else NULL: what it is made of, and what the job has changed. */
	const struct strlist *lowers;
	const char *upper;
};

/* Of a job that another runner has begun: is its workspace an overlay? Then mode and
 * upper are set; the rest of the recipe is not known any more. */
void workspace_recognise(
    const struct jobdir *dir, struct arena *arena, struct spec *spec);

/* Would workspace_prepare() copy? */
bool workspace_copies(const struct workspaces *w, enum workspace_mode wanted);

#endif
