/*
 * Reading by the program `git`: what libgit2 cannot open, and the list of the work
 * tree's files, where git's own idea of what is ignored is the one that counts.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/git_backend.h"
#include "base/git_text.h"
#include "base/process.h"

#define MAX_ARGS 16
#define MAX_LIST ((size_t)1 << 30)
#define TIMEOUT_MS 600000 /* a huge work tree on a cold disk */

/*
 * Variables that would point git elsewhere: all are set when pawl runs inside a hook.
 * Source: git rev-parse --local-env-vars.
 */
static const char *const elsewhere[] = { "GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=",
	"GIT_COMMON_DIR=", "GIT_PREFIX=", "GIT_OBJECT_DIRECTORY=",
	"GIT_ALTERNATE_OBJECT_DIRECTORIES=", "GIT_NAMESPACE=", "GIT_SHALLOW_FILE=",
	"GIT_GRAFT_FILE=", "GIT_REPLACE_REF_BASE=", "GIT_INTERNAL_SUPER_PREFIX=",
	"GIT_IMPLICIT_WORK_TREE=", "GIT_NO_REPLACE_OBJECTS=", "LC_ALL=", "LANGUAGE=",
	"GIT_TRACE", "GIT_OPTIONAL_LOCKS=", "GIT_EXTERNAL_DIFF=", "GIT_PAGER=" };

static bool
is_elsewhere(const char *entry)
{
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		if (str_starts(entry, elsewhere[i]))
			return true;
	return false;
}

/* No locks: `git` must not even refresh the developer's index. */
static char **
make_env(void)
{
	static const char *const ours[] = { "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0",
		"GIT_TERMINAL_PROMPT=0" };
	char **env = NULL;
	size_t count = 0, cap = 0;

	for (char **e = environ; *e != NULL; e++) {
		if (is_elsewhere(*e))
			continue;
		GROW(env, count, cap);
		env[count++] = *e;
	}
	for (size_t i = 0; i <= ARRAY_LEN(ours); i++) {
		GROW(env, count, cap);
		env[count++] = i < ARRAY_LEN(ours) ? (char *)(uintptr_t)ours[i] : NULL;
	}
	return env;
}

static int
run(struct git_repo *repo, const char *const *args, size_t max, struct buf *out,
    int *status, struct error *err)
{
	/* the monitor's hook would be one more process, and its answer a cached one */
	const char *argv[MAX_ARGS + 5] = { "git", "-c", "core.fsmonitor=false" };
	struct process p = { .argv = argv, .max_out = max, .timeout_ms = TIMEOUT_MS };
	size_t n = 3;

	while (*args != NULL && n < ARRAY_LEN(argv) - 1)
		argv[n++] = *args++;
	if (repo->env == NULL)
		repo->env = make_env();
	p.env = (const char *const *)repo->env;
	p.cwd = repo->work_tree;
	return process_run(&p, out, status, err);
}

static int
run_checked(struct git_repo *repo, const char *const *args, size_t max, struct buf *out,
    struct error *err)
{
	int status = 0, rc = run(repo, args, max, out, &status, err);

	if (rc < 0 && err != NULL && strstr(err->msg, "dubious ownership") != NULL)
		return error_set(err, ERR_ENVIRONMENT,
		    "the repository %s belongs to another user; if you trust it: "
		    "git config --global --add safe.directory %s",
		    repo->work_tree, repo->work_tree);
	return rc;
}

/* One line, without its end; NULL when the command failed. */
static char *
ask(struct git_repo *repo, const char *const *args)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (run_checked(repo, args, 1 << 20, &out, &ignored) < 0)
		return NULL;
	if (out.len > 0 && out.data[out.len - 1] == '\n')
		out.data[out.len - 1] = '\0';
	return out.len == 0 ? NULL : xstrdup(out.data);
}

static void
add_items(const struct buf *b, char separator, struct strlist *out)
{
	for (const char *p = b->data, *end = p + b->len; p < end;) {
		const char *stop = memchr(p, separator, (size_t)(end - p));
		size_t len = (size_t)((stop == NULL ? end : stop) - p);

		if (len > 0)
			strlist_add_take(out, xstrndup(p, len));
		p += len + 1;
	}
}

static int
list(struct git_repo *repo, const char *const *args, char separator, struct strlist *out,
    struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = run_checked(repo, args, MAX_LIST, &text, err);

	if (rc < 0)
		return rc;
	if (text.data != NULL)
		add_items(&text, separator, out);
	strlist_sort(out);
	return 0;
}

int
git_program_list(struct git_repo *repo, const char *const *args, struct strlist *out,
    struct error *err)
{
	return list(repo, args, '\0', out, err);
}

int
git_repo_config(struct git_repo *repo, struct strlist *out, struct error *err)
{
	static const char *const args[] = { "config", "--local", "-z", "--list", NULL };
	cleanup_buf struct buf text = BUF_INIT;
	int rc = run_checked(repo, args, MAX_LIST, &text, err);

	if (rc == 0 && text.data != NULL)
		add_items(&text, '\0', out);
	return rc;
}

int
git_repo_packed_refs(struct git_repo *repo, struct buf *out, struct error *err)
{
	static const char *const args[] = { "for-each-ref",
		"--format=%(objectname) %(refname)", NULL };

	return run_checked(repo, args, MAX_LIST, out, err);
}

static int
program_resolve(
    struct git_repo *repo, const char *name, char sha[GIT_SHA_MAX], struct error *err)
{
	cleanup_free char *spec = xasprintf("%s^{commit}", name);
	const char *args[] = { "rev-parse", "-q", "--verify", spec, NULL };
	cleanup_buf struct buf out = BUF_INIT;
	int rc = run_checked(repo, args, 4096, &out, err);

	if (rc == ERR_FOREIGN)
		return error_set(err, ERR_MISSING, "%s: no such commit", name);
	if (rc < 0)
		return rc;
	(void)snprintf(
	    sha, GIT_SHA_MAX, "%.*s", (int)strcspn(buf_str(&out), "\n"), buf_str(&out));
	return 0;
}

static int
program_refs(
    struct git_repo *repo, const char *prefix, struct strlist *out, struct error *err)
{
	const char *args[] = { "for-each-ref", "--format=%(refname)", prefix, NULL };

	return list(repo, args, '\n', out, err);
}

/* `ls-tree -r` lists submodules, too; their type is "commit". */
static int
program_files_at(
    struct git_repo *repo, const char *commit, struct strlist *out, struct error *err)
{
	const char *args[] = { "ls-tree", "-r", "-z", "--full-tree", commit, NULL };
	cleanup_strlist struct strlist lines = STRLIST_INIT;
	int rc = list(repo, args, '\0', &lines, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < lines.count; i++) {
		const char *tab = strchr(lines.items[i], '\t');

		if (tab != NULL && strstr(lines.items[i], " blob ") != NULL)
			strlist_add(out, tab + 1);
	}
	strlist_sort(out);
	return 0;
}

static int
program_blob(struct git_repo *repo, const char *commit, const char *path, size_t max,
    struct buf *out, struct error *err)
{
	cleanup_free char *spec = xasprintf("%s:%s", commit, path);
	const char *args[] = { "cat-file", "blob", spec, NULL };
	int rc = run_checked(repo, args, max, out, err);

	if (rc == ERR_FOREIGN && err != NULL &&
	    (strstr(err->msg, "does not exist") != NULL ||
		strstr(err->msg, "exists on disk") != NULL))
		err->code = rc = ERR_MISSING;
	return rc;
}

static int
program_merge_base(struct git_repo *repo, const char *one, const char *other,
    char sha[GIT_SHA_MAX], struct error *err)
{
	const char *args[] = { "merge-base", one, other, NULL };
	cleanup_free char *base = ask(repo, args);

	if (base == NULL)
		return error_set(
		    err, ERR_MISSING, "%s and %s have no common ancestor", one, other);
	(void)snprintf(sha, GIT_SHA_MAX, "%s", base);
	return 0;
}

static int
program_changed(struct git_repo *repo, const char *from, const char *to,
    struct strlist *out, struct error *err)
{
	const char *args[] = { "diff-tree", "-r", "-z", "--name-only", "--no-renames",
		from, to, NULL };

	if (*from == '\0')
		return program_files_at(repo, to, out, err);
	return list(repo, args, '\0', out, err);
}

/* The next of the NUL-separated fields; "" when there are no more. */
static const char *
field(const char **pos, const char *end)
{
	const char *start = *pos;

	if (start >= end)
		return "";
	*pos = start + strlen(start) + 1;
	return start;
}

/* "1704067200 +0130" */
static void
parse_time(const char *raw, struct git_person *p)
{
	char *zone;
	long offset;

	p->time = strtoll(raw, &zone, 10);
	offset = strtol(zone, NULL, 10);
	p->offset_min = (int)(offset / 100 * 60 + offset % 100);
}

static void
parse_person(const char **pos, const char *end, struct git_person *p)
{
	p->name = git_text_utf8(field(pos, end));
	p->email = git_text_utf8(field(pos, end));
	parse_time(field(pos, end), p);
}

static int
read_commit(
    struct git_repo *repo, const char *name, struct git_facts *f, struct error *err)
{
	static const char format[] = "--format=%H%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00"
				     "%ce%x00%cd%x00%B";
	const char *args[] = { "log", "-1", "--no-show-signature", "--no-color",
		"--date=raw", "--encoding=UTF-8", format, name, "--", NULL };
	cleanup_buf struct buf out = BUF_INIT;
	const char *pos, *end, *parents;
	int rc = run_checked(repo, args, MAX_LIST, &out, err);

	if (rc < 0)
		return rc;
	if (out.len > 0 && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0'; /* log's own, after the message */
	pos = buf_str(&out);
	end = pos + out.len;
	(void)snprintf(f->sha, sizeof(f->sha), "%s", field(&pos, end));
	parents = field(&pos, end);
	(void)snprintf(
	    f->parent, sizeof(f->parent), "%.*s", (int)strcspn(parents, " "), parents);
	parse_person(&pos, end, &f->author);
	parse_person(&pos, end, &f->committer);
	f->message = git_text_utf8(field(&pos, end));
	return 0;
}

static void
read_surroundings(struct git_repo *repo, struct git_facts *f)
{
	static const char *const branch[] = { "symbolic-ref", "-q", "--short", "HEAD",
		NULL };
	static const char *const tags[] = { "for-each-ref", "--points-at=HEAD",
		"--format=%(refname:strip=2)", "refs/tags", NULL };
	static const char *const origin[] = { "symbolic-ref", "-q", GIT_TEXT_ORIGIN_HEAD,
		NULL };
	static const char *const url[] = { "remote", "get-url", "origin", NULL };
	static const char *const name[] = { "config", "user.name", NULL };
	static const char *const email[] = { "config", "user.email", NULL };
	static const char *const init[] = { "config", "init.defaultBranch", NULL };
	static const char *const shallow[] = { "rev-parse", "--is-shallow-repository",
		NULL };
	cleanup_free char *origin_head = ask(repo, origin);
	cleanup_free char *configured = ask(repo, init);
	cleanup_free char *is_shallow = ask(repo, shallow);
	struct error ignored = ERROR_INIT;

	f->branch = ask(repo, branch);
	if (list(repo, tags, '\n', &f->tags, &ignored) < 0)
		strlist_clear(&f->tags);
	f->remote_url = ask(repo, url);
	f->user_name = ask(repo, name);
	f->user_email = ask(repo, email);
	f->default_branch = git_text_origin_branch(origin_head);
	if (f->default_branch == NULL)
		f->default_branch = git_guess_default_branch(
		    repo, &git_program_backend, configured, f->branch);
	f->shallow = is_shallow != NULL && str_eq(is_shallow, "true");
}

static int
program_facts(struct git_repo *repo, struct git_facts *f, struct error *err)
{
	static const char *const head[] = { "rev-parse", "-q", "--verify", "HEAD", NULL };
	cleanup_buf struct buf sha = BUF_INIT;
	int status = 0, rc = run(repo, head, 4096, &sha, &status, err);

	if (rc < 0 && status == 1)
		return git_error_unborn(repo, err);
	rc = read_commit(repo, "HEAD", f, err);
	if (rc < 0)
		return rc;
	read_surroundings(repo, f);
	return 0;
}

static int
program_commit(
    struct git_repo *repo, const char *name, struct git_facts *f, struct error *err)
{
	char sha[GIT_SHA_MAX];
	int rc = program_resolve(repo, name, sha, err);

	return rc < 0 ? rc : read_commit(repo, sha, f, err);
}

const struct git_backend git_program_backend = {
	.facts = program_facts,
	.commit = program_commit,
	.resolve = program_resolve,
	.refs = program_refs,
	.files_at = program_files_at,
	.blob = program_blob,
	.merge_base = program_merge_base,
	.changed = program_changed,
};
