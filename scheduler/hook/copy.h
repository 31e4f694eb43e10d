/*
 * What `pawl hook` does with a repository and its copy on the server. Each says what it
 * does on standard output and what is wrong on standard error, and returns the exit code:
 * 0 level, 1 not level or refused, 2 not installed, 75 the server is out of reach.
 */
#ifndef SCHEDULER_HOOK_COPY_H
#define SCHEDULER_HOOK_COPY_H

#include "base/str.h"

/* Brings what the server lacks, and shows its answers. */
int copy_sync(const char *git_dir);

/* Says what the server lacks. */
int copy_compare(const char *git_dir);

/* Whether the server takes these settings: a folder with url and token. */
int copy_check(const char *git_dir, const char *settings);

/*
 * The first time: the default branch gets its pipeline, the others none. What the server
 * has and this repository has not is lost there, so force has to be said for that.
 */
int copy_first(const char *git_dir, const char *settings, bool force);

#endif
