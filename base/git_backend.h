/*
 * Two ways of reading a repository, with one table each: libgit2 (git_lib.c) and the
 * program (git_program.c). Only base/git*.c include this.
 */
#ifndef BASE_GIT_BACKEND_H
#define BASE_GIT_BACKEND_H

#include "base/git.h"

struct git_lib; /* git_lib.c: the table of libgit2's functions, and an open repository */

struct git_repo {
	char *work_tree, *git_dir, *common_dir;
	struct git_lib *lib; /* NULL: not opened (yet) */
	bool lib_refused;    /* libgit2 cannot open it: do not try again */
	char **env;          /* of children; made at first use */
};

/* As the functions of git.h; ERR_FOREIGN means: this backend cannot, ask the other. */
struct git_backend {
	int (*facts)(struct git_repo *repo, struct git_facts *out, struct error *err);
	int (*commit)(struct git_repo *repo, const char *name, struct git_facts *out,
	    struct error *err);
	int (*resolve)(struct git_repo *repo, const char *name, char sha[GIT_SHA_MAX],
	    struct error *err);
	int (*refs)(struct git_repo *repo, const char *prefix, struct strlist *out,
	    struct error *err);
	int (*files_at)(struct git_repo *repo, const char *commit, struct strlist *out,
	    struct error *err);
	int (*blob)(struct git_repo *repo, const char *commit, const char *path,
	    size_t max, struct buf *out, struct error *err);
	int (*merge_base)(struct git_repo *repo, const char *one, const char *other,
	    char sha[GIT_SHA_MAX], struct error *err);
	int (*changed)(struct git_repo *repo, const char *from, const char *to,
	    struct strlist *out, struct error *err);
};

extern const struct git_backend git_lib_backend, git_program_backend;

void git_lib_close(struct git_lib *lib); /* NULL is fine */

/* What `git` with args (NULL-terminated) prints, split at NUL bytes, sorted. */
MUST_CHECK int git_program_list(struct git_repo *repo, const char *const *args,
    struct strlist *out, struct error *err);

/* HEAD names a branch that has no commit yet: the one sentence for it. */
int git_error_unborn(const struct git_repo *repo, struct error *err);

/* The default branch when origin/HEAD does not say, from what is there; may be NULL. */
char *git_guess_default_branch(struct git_repo *repo, const struct git_backend *backend,
    const char *configured, const char *current);

/* git_memo.c: the file behind git_repo_facts()'s memo. */
bool git_memo_read(const struct git_repo *repo, const char *path, struct git_facts *out);
void git_memo_write(
    const struct git_repo *repo, const char *path, const struct git_facts *facts);

#endif
