/*
 * Reading a git repository: who and where HEAD is, its refs, trees and blobs, and which
 * files its work tree has. Nothing here ever writes to the repository.
 *
 * libgit2 does the reading; it is opened at first use, because that alone takes
 * milliseconds. Where it cannot open a repository (sha256, reftable, worktreeConfig, an
 * object a partial clone lacks) the program `git` is asked instead. Callers see no
 * difference. All calls block; one repository is used by one thread at a time.
 */
#ifndef BASE_GIT_H
#define BASE_GIT_H

#include "base/buf.h"
#include "base/str.h"

#define GIT_SHA_MAX 65 /* 64 hex digits (sha256) and the NUL */
#define GIT_MESSAGE_MAX                                                                  \
	65536 /* a longer commit message is cut: it becomes a variable                   \
	       */

struct git_repo;

/*
 * Find the repository that dir is in, upwards; linked worktrees and submodules too.
 * Looks at file names only. ERR_MISSING when there is none, ERR_INVALID when it is bare.
 */
MUST_CHECK int git_repo_open(const char *dir, struct git_repo **out, struct error *err);
/*
 * The bare repository that dir is. It must be the caller's own: whose it is, is not
 * checked. Its work tree is called as dir is; what asks for files of a work tree fails.
 */
MUST_CHECK int git_repo_open_bare(
    const char *dir, struct git_repo **out, struct error *err);
void git_repo_close(struct git_repo *repo); /* NULL is fine */

/* For a process that opens repositories again and again, once: libgit2 stays until the
 * process ends. To begin with it costs 40 ms, each time that no other is open; it takes
 * the user's configuration from where HOME was then. Blocks for as long; any thread. */
void git_keep_library(void);

/* Absolute paths without a slash at the end. They live as long as the repository. */
const char *git_repo_work_tree(const struct git_repo *repo);
const char *git_repo_git_dir(const struct git_repo *repo);    /* HEAD and index */
const char *git_repo_common_dir(const struct git_repo *repo); /* objects and refs */

struct git_person {
	char *name, *email; /* UTF-8; may be "" */
	int64_t time;       /* seconds since 1970 */
	int offset_min;     /* east of Greenwich */
};

/* What HEAD is. Caller's storage. */
struct git_facts {
	char sha[GIT_SHA_MAX];
	char parent[GIT_SHA_MAX]; /* the first one; "" for a root commit */
	char pushed[GIT_SHA_MAX]; /* where origin's branch of this name is; "": nowhere
				     known */
	char *branch;             /* "main"; NULL when HEAD is detached */
	char *default_branch;     /* origin/HEAD, else init.defaultBranch, main or master
				     if there is such a branch, else branch; may be NULL */
	char *message;            /* UTF-8, at most GIT_MESSAGE_MAX bytes */
	struct git_person author, committer;
	struct strlist tags;          /* pointing at HEAD, sorted */
	char *remote_url;             /* origin's, insteadOf applied; NULL: none */
	char *user_name, *user_email; /* of the configuration; NULL: none */
	bool shallow;
};

#define GIT_FACTS_INIT                                                                   \
	{                                                                                \
		.branch = NULL                                                           \
	}

/*
 * memo, if not NULL, is a file that remembers the answer for as long as HEAD, refs and
 * configuration stay as they are: reading it costs microseconds. It is made and replaced
 * as needed; a damaged or unwritable one does no harm. A repository without commits is
 * ERR_MISSING.
 */
MUST_CHECK int git_repo_facts(
    struct git_repo *repo, const char *memo, struct git_facts *out, struct error *err);
void git_facts_clear(struct git_facts *facts);
#define cleanup_git_facts __attribute__((cleanup(git_facts_clear)))

/* "2024-01-31T16:47:55+01:00" */
char *git_person_iso8601(const struct git_person *person);

/* "Name <email>" */
char *git_person_text(const struct git_person *person);

/* Of the facts, those about one commit: sha, parent, message, author, committer. */
MUST_CHECK int git_repo_commit(
    struct git_repo *repo, const char *name, struct git_facts *out, struct error *err);

/* The commit a name stands for ("main", "v1", "abc123", "HEAD~2"). ERR_MISSING. */
MUST_CHECK int git_repo_resolve(
    struct git_repo *repo, const char *name, char sha[GIT_SHA_MAX], struct error *err);

/* Full names of all refs below a prefix ("refs/heads/"), sorted. */
MUST_CHECK int git_repo_refs(
    struct git_repo *repo, const char *prefix, struct strlist *out, struct error *err);

/* Paths of all files of a commit, sorted; submodules are not among them. */
MUST_CHECK int git_repo_files_at(
    struct git_repo *repo, const char *commit, struct strlist *out, struct error *err);

/* A file's content in a commit. ERR_MISSING: no such file. ERR_LIMIT: above max bytes. */
MUST_CHECK int git_repo_blob(struct git_repo *repo, const char *commit, const char *path,
    size_t max, struct buf *out, struct error *err);

/* Where the histories of two commits parted. ERR_MISSING: they have nothing in common. */
MUST_CHECK int git_repo_merge_base(struct git_repo *repo, const char *one,
    const char *other, char sha[GIT_SHA_MAX], struct error *err);

/*
 * Paths that differ between two commits, old and new names of renames both, sorted.
 * from "" stands for the empty tree. merge_base compares with the commit where the two
 * parted instead of from itself.
 */
MUST_CHECK int git_repo_changed(struct git_repo *repo, const char *from, const char *to,
    bool merge_base, struct strlist *out, struct error *err);

/*
 * The work tree's files as `git ls-files -co --exclude-standard` has them: tracked, and
 * untracked but not ignored; sorted, each once. Those tracked but gone are still listed.
 * A submodule or a repository inside is one entry, the latter with a slash at its end.
 */
MUST_CHECK int git_repo_files(
    struct git_repo *repo, struct strlist *out, struct error *err);

/* What the index has; sorted, each path once. */
MUST_CHECK int git_repo_tracked(
    struct git_repo *repo, struct strlist *out, struct error *err);

/* The settings of the repository itself, in order, each "section.key\nvalue". */
MUST_CHECK int git_repo_config(
    struct git_repo *repo, struct strlist *out, struct error *err);

/* All refs as lines of a packed-refs file, wherever the repository keeps them. */
MUST_CHECK int git_repo_packed_refs(
    struct git_repo *repo, struct buf *out, struct error *err);

/*
 * A text that differs once HEAD, refs, shallow or configuration have changed. Looks at
 * file times only; a second change within the same tick of the clock is not seen.
 */
void git_repo_signature(const struct git_repo *repo, struct buf *out);

static inline void
git_repo_cleanup(struct git_repo **repo)
{
	git_repo_close(*repo);
}
#define cleanup_git_repo __attribute__((cleanup(git_repo_cleanup)))

#endif
