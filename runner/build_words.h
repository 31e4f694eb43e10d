/*
 * What a build says before its supervisor lives, as an image is fetched: the beginning of
 * the trace, which the supervisor then continues. One worker thread writes; the loop
 * thread asks how much there is.
 */
#ifndef RUNNER_BUILD_WORDS_H
#define RUNNER_BUILD_WORDS_H

#include <stdatomic.h>

#include "base/buf.h"
#include "protocol/job.h"
#include "runner/snapshot.h"

struct build_words {
	const char *path;              /* of the trace */
	const char *preface;           /* what every trace begins with; NULL: nothing */
	const struct job_payload *job; /* for the secrets that are not to be shown */
	int fd;                        /* -1: nothing was said yet */
	atomic_ullong bytes;
};

void build_words_init(struct build_words *w, const struct job_payload *job);
void build_words_close(struct build_words *w);

/* A line without its end. What cannot be written is not heard. */
void build_words_say(struct build_words *w, const char *line);

/* Of submodules the job wants and the work tree has not: a server's runner would fetch
 * them. Appended to out. snapshot may be NULL. */
void build_words_of_absent(
    const struct job_payload *job, const struct snapshot *snapshot, struct buf *out);

bool build_words_begun(const struct build_words *w);

#endif
