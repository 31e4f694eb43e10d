/* Finding a repository, and who answers for it: libgit2 first, the program after. */
#include "base/git.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/git_backend.h"
#include "base/path.h"

#define MAX_LINK 4096 /* bytes of a .git file */

static bool
exists(const char *dir, const char *name)
{
	cleanup_free char *path = path_join(dir, name);

	return access(path, F_OK) == 0;
}

/* The first line of a small file, as a path: relative ones start at dir. */
static char *
read_link_file(const char *file, const char *prefix, const char *dir)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	const char *target;

	if (buf_read_file(&text, file, MAX_LINK, &ignored) < 0 ||
	    !str_starts(buf_str(&text), prefix))
		return NULL;
	text.data[strcspn(text.data, "\r\n")] = '\0';
	target = text.data + strlen(prefix);
	if (*target == '\0')
		return NULL;
	return *target == '/' ? xstrdup(target) : path_join(dir, target);
}

/* dir/.git, or where a file of that name points (linked worktree, submodule). */
static char *
git_dir_of(const char *dir)
{
	cleanup_free char *dot_git = path_join(dir, ".git");
	struct stat st;

	if (stat(dot_git, &st) < 0)
		return NULL;
	if (S_ISREG(st.st_mode))
		return read_link_file(dot_git, "gitdir: ", dir);
	return S_ISDIR(st.st_mode) ? take(dot_git) : NULL;
}

static char *
common_dir_of(const char *git_dir)
{
	cleanup_free char *file = path_join(git_dir, "commondir");
	char *common = read_link_file(file, "", git_dir);

	return common != NULL ? common : xstrdup(git_dir);
}

static bool
is_git_dir(const char *git_dir, const char *common_dir)
{
	return exists(git_dir, "HEAD") && exists(common_dir, "objects") &&
	    exists(common_dir, "refs");
}

static struct git_repo *
repo_at(const char *dir)
{
	cleanup_free char *git_dir = git_dir_of(dir);
	cleanup_free char *common = git_dir == NULL ? NULL : common_dir_of(git_dir);
	struct git_repo *repo;

	if (common == NULL || !is_git_dir(git_dir, common))
		return NULL;
	repo = xcalloc(1, sizeof(*repo));
	repo->work_tree = xstrdup(dir);
	repo->git_dir = realpath(git_dir, NULL);
	repo->common_dir = realpath(common, NULL);
	if (repo->git_dir == NULL || repo->common_dir == NULL) {
		git_repo_close(repo);
		return NULL;
	}
	return repo;
}

int
git_repo_open(const char *dir, struct git_repo **out, struct error *err)
{
	cleanup_free char *start = realpath(dir, NULL);
	cleanup_free char *path = start == NULL ? NULL : xstrdup(start);

	if (start == NULL)
		return error_errno(err, "cannot open %s", dir);
	for (;;) {
		struct git_repo *repo = repo_at(path);
		char *slash;

		if (repo != NULL) {
			*out = repo;
			return 0;
		}
		if (is_git_dir(path, path))
			return error_set(err, ERR_INVALID,
			    "%s is a bare repository: it has no files to work on", path);
		slash = strrchr(path, '/');
		if (str_eq(path, "/"))
			return error_set(err, ERR_MISSING,
			    "%s is not in a git repository (nor any folder above it)",
			    start);
		slash[slash == path] = '\0';
	}
}

int
git_repo_open_bare(const char *dir, struct git_repo **out, struct error *err)
{
	struct git_repo *repo;

	if (!is_git_dir(dir, dir))
		return error_set(err, ERR_MISSING, "%s is not a bare repository", dir);
	repo = xcalloc(1, sizeof(*repo));
	repo->work_tree = xstrdup(dir);
	repo->git_dir = xstrdup(dir);
	repo->common_dir = xstrdup(dir);
	*out = repo;
	return 0;
}

void
git_repo_close(struct git_repo *repo)
{
	if (repo == NULL)
		return;
	git_lib_close(repo->lib);
	free(repo->env);
	free(repo->work_tree);
	free(repo->git_dir);
	free(repo->common_dir);
	free(repo);
}

const char *
git_repo_work_tree(const struct git_repo *repo)
{
	return repo->work_tree;
}

const char *
git_repo_git_dir(const struct git_repo *repo)
{
	return repo->git_dir;
}

const char *
git_repo_common_dir(const struct git_repo *repo)
{
	return repo->common_dir;
}

int
git_error_unborn(const struct git_repo *repo, struct error *err)
{
	return error_set(err, ERR_MISSING,
	    "the repository %s has no commit yet; make the first one: "
	    "git add -A && git commit",
	    repo->work_tree);
}

char *
git_guess_default_branch(struct git_repo *repo, const struct git_backend *backend,
    const char *configured, const char *current)
{
	const char *const names[] = { configured, "main", "master" };
	struct error ignored = ERROR_INIT;
	char sha[GIT_SHA_MAX];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *ref = NULL;

		if (names[i] == NULL)
			continue;
		ref = xasprintf("refs/heads/%s", names[i]);
		if (backend->resolve(repo, ref, sha, &ignored) == 0)
			return xstrdup(names[i]);
	}
	return current == NULL ? NULL : xstrdup(current);
}

/* Call a function of the first backend that can: ERR_FOREIGN passes on to the next. */
#define ASK(rc, repo, err, function, ...)                                                \
	do {                                                                             \
		struct error lib_ = ERROR_INIT;                                          \
                                                                                         \
		(rc) = git_lib_backend.function((repo), __VA_ARGS__, &lib_);             \
		if ((rc) == ERR_FOREIGN)                                                 \
			(rc) = second(                                                   \
			    git_program_backend.function((repo), __VA_ARGS__, (err)),    \
			    &lib_, (err));                                               \
		else if ((rc) < 0 && (err) != NULL)                                      \
			*(err) = lib_;                                                   \
	} while (0)

/* Without the program, what libgit2 said is the better answer. */
static int
second(int rc, const struct error *lib, struct error *err)
{
	if (rc == ERR_MISSING && err != NULL && str_starts(err->msg, "cannot start git"))
		return error_set(err, ERR_ENVIRONMENT,
		    "%s; the program git could, but it is not installed", lib->msg);
	return rc;
}

static void
find_pushed(struct git_repo *repo, struct git_facts *f)
{
	cleanup_free char *ref = NULL;
	struct error ignored = ERROR_INIT;

	if (f->branch == NULL)
		return;
	ref = xasprintf("refs/remotes/origin/%s", f->branch);
	if (git_repo_resolve(repo, ref, f->pushed, &ignored) < 0)
		f->pushed[0] = '\0';
}

int
git_repo_facts(
    struct git_repo *repo, const char *memo, struct git_facts *out, struct error *err)
{
	struct git_facts facts = GIT_FACTS_INIT;
	int rc;

	if (memo != NULL && git_memo_read(repo, memo, out))
		return 0;
	ASK(rc, repo, err, facts, &facts);
	if (rc < 0) {
		git_facts_clear(&facts);
		return rc;
	}
	find_pushed(repo, &facts);
	if (memo != NULL)
		git_memo_write(repo, memo, &facts);
	*out = facts;
	return 0;
}

static void
person_clear(struct git_person *p)
{
	free(p->name);
	free(p->email);
}

void
git_facts_clear(struct git_facts *f)
{
	free(f->branch);
	free(f->default_branch);
	free(f->message);
	person_clear(&f->author);
	person_clear(&f->committer);
	strlist_clear(&f->tags);
	free(f->remote_url);
	free(f->user_name);
	free(f->user_email);
	*f = (struct git_facts)GIT_FACTS_INIT;
}

char *
git_person_iso8601(const struct git_person *p)
{
	time_t local = (time_t)(p->time + (int64_t)p->offset_min * 60);
	int offset = p->offset_min < 0 ? -p->offset_min : p->offset_min;
	char date[64];
	struct tm tm;

	if (gmtime_r(&local, &tm) == NULL)
		return xstrdup(""); /* a year that does not fit an int */
	(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	return xasprintf("%s%c%02d:%02d", date, p->offset_min < 0 ? '-' : '+',
	    offset / 60 % 100, offset % 60);
}

char *
git_person_text(const struct git_person *p)
{
	return xasprintf("%s <%s>", p->name, p->email);
}

/* A name that would be read as an option is none of a commit. */
static int
check_name(const char *name, struct error *err)
{
	if (*name == '-' || *name == '\0')
		return error_set(err, ERR_MISSING, "\"%s\": no such commit", name);
	return 0;
}

int
git_repo_resolve(
    struct git_repo *repo, const char *name, char sha[GIT_SHA_MAX], struct error *err)
{
	int rc = check_name(name, err);

	if (rc == 0)
		ASK(rc, repo, err, resolve, name, sha);
	return rc;
}

int
git_repo_commit(
    struct git_repo *repo, const char *name, struct git_facts *out, struct error *err)
{
	struct git_facts facts = GIT_FACTS_INIT;
	int rc = check_name(name, err);

	if (rc == 0)
		ASK(rc, repo, err, commit, name, &facts);
	if (rc < 0)
		git_facts_clear(&facts);
	else
		*out = facts;
	return rc;
}

int
git_repo_refs(
    struct git_repo *repo, const char *prefix, struct strlist *out, struct error *err)
{
	int rc;

	ASK(rc, repo, err, refs, prefix, out);
	return rc;
}

int
git_repo_files_at(
    struct git_repo *repo, const char *commit, struct strlist *out, struct error *err)
{
	int rc = check_name(commit, err);

	if (rc == 0)
		ASK(rc, repo, err, files_at, commit, out);
	return rc;
}

int
git_repo_blob(struct git_repo *repo, const char *commit, const char *path, size_t max,
    struct buf *out, struct error *err)
{
	int rc = check_name(commit, err);

	if (rc == 0)
		ASK(rc, repo, err, blob, commit, path, max, out);
	return rc;
}

int
git_repo_merge_base(struct git_repo *repo, const char *one, const char *other,
    char sha[GIT_SHA_MAX], struct error *err)
{
	int rc = check_name(one, err);

	if (rc == 0)
		rc = check_name(other, err);
	if (rc == 0)
		ASK(rc, repo, err, merge_base, one, other, sha);
	return rc;
}

int
git_repo_changed(struct git_repo *repo, const char *from, const char *to, bool merge_base,
    struct strlist *out, struct error *err)
{
	char base[GIT_SHA_MAX];
	int rc = *from == '\0' ? 0 : check_name(from, err);

	if (rc == 0)
		rc = check_name(to, err);
	if (rc == 0 && merge_base && *from != '\0') {
		rc = git_repo_merge_base(repo, from, to, base, err);
		from = base;
	}
	if (rc == 0)
		ASK(rc, repo, err, changed, from, to, out);
	return rc;
}

/* An unmerged path has several entries in the index, so it comes several times. */
static void
drop_doubles(struct strlist *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (kept > 0 && str_eq(l->items[kept - 1], l->items[i]))
			free(l->items[i]);
		else
			l->items[kept++] = l->items[i];
	}
	l->count = kept;
}

static int
list_files(struct git_repo *repo, const char *const *args, struct strlist *out,
    struct error *err)
{
	int rc = git_program_list(repo, args, out, err);

	if (rc < 0)
		return error_wrap(err, "cannot list the files of %s", repo->work_tree);
	drop_doubles(out);
	return 0;
}

int
git_repo_files(struct git_repo *repo, struct strlist *out, struct error *err)
{
	static const char *const args[] = { "ls-files", "-co", "--exclude-standard", "-z",
		NULL };

	return list_files(repo, args, out, err);
}

int
git_repo_tracked(struct git_repo *repo, struct strlist *out, struct error *err)
{
	static const char *const args[] = { "ls-files", "-z", NULL };

	return list_files(repo, args, out, err);
}
