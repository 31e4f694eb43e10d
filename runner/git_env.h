/*
 * The environment a git gets that this program starts: nothing of what pawl was called
 * from but the way out (proxies, certificates, SSH), and settings as GIT_CONFIG_* pairs,
 * which are in no argument and on no disk. One thread's.
 */
#ifndef RUNNER_GIT_ENV_H
#define RUNNER_GIT_ENV_H

#include "base/buf.h"
#include "base/str.h"

struct git_env {
	struct strlist entries;  /* "NAME=value" */
	struct strlist settings; /* a key, its value, the next key … */
	int file_fd;             /* of git_env_finish_deep(), or -1 */
	char *large_files; /* where trees of commits keep git-lfs's; NULL: nowhere */
};

#define GIT_ENV_INIT                                                                     \
	{                                                                                \
		.entries = STRLIST_INIT, .settings = STRLIST_INIT, .file_fd = -1         \
	}

void git_env_clear(struct git_env *e); /* forgets values before they are freed */
#define cleanup_git_env __attribute__((cleanup(git_env_clear)))

void git_env_add(struct git_env *e, const char *name, const char *value);
void git_env_set(struct git_env *e, const char *key, const char *value);

/* What of our own environment a git that talks to others needs. */
void git_env_add_ways_out(struct git_env *e);

/* All of from, behind what is there; NULL is nothing. */
void git_env_append(struct git_env *e, const struct git_env *from);

/* For struct process, malloced; points into e, which must not change any more. */
const char **git_env_finish(struct git_env *e);

/*
 * The same for a git that calls gits for submodules: it takes GIT_CONFIG_* from them, so
 * settings are a file in memory, after those of the user, there as long as e is.
 */
MUST_CHECK int git_env_finish_deep(
    struct git_env *e, const char ***out, struct error *err);

/* In double quotes, as git's settings and alternates take it. */
void git_env_add_quoted(struct buf *b, const char *text);

/* Such a file's lines for one setting: section.name, or section.sub.name; no other name
 * gives any. The value may have lines of its own. */
void git_env_add_line(struct buf *text, const char *key, const char *value);

#endif
