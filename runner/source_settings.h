/*
 * What a job's variables say about its sources: GIT_STRATEGY, GIT_SUBMODULE_… and such.
 * docs/sources.md says what each does.
 */
#ifndef RUNNER_SOURCE_SETTINGS_H
#define RUNNER_SOURCE_SETTINGS_H

#include "base/buf.h"
#include "base/str.h"
#include "protocol/job.h"
#include "protocol/reason.h"

struct source_settings {
	bool submodules, recursive;
	int64_t submodule_depth;        /* 0: all of their history */
	struct strlist submodule_paths; /* pathspecs; none: all */
	struct strlist submodule_flags; /* of `git submodule update` */
	bool submodule_newest;          /* --remote is one of them */
	bool force_https;
	bool skip_lfs;
	bool all_tags;
	unsigned attempts; /* 1 to 10 */
};

/*
 * ERR_INVALID names a variable whose value nobody knows. words (may be NULL) gets lines
 * for the log about what is left out.
 */
MUST_CHECK int source_settings_read(const struct job_payload *job,
    struct source_settings *out, struct buf *words, struct error *err);
void source_settings_clear(struct source_settings *s);
#define cleanup_source_settings __attribute__((cleanup(source_settings_clear)))

/* The same, and nothing of it is kept; reason is set when it fails. */
MUST_CHECK int source_settings_check(
    const struct job_payload *job, enum reason *reason, struct error *err);

/* "1", "true", "TRUE" …, as GitLab's runner takes them. */
bool source_settings_is_true(const char *value);

#endif
