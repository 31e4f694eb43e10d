/* The .git of a snapshot. */
#include "runner/snapshot_git.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/path.h"
#include "runner/git_env.h"

/* The settings that say how files and history are to be read; nothing that starts
 * programs except filters, without which git could not tell what has changed. */
static bool
is_wanted(const char *key)
{
	static const char *const names[] = { "core.autocrlf", "core.eol", "core.safecrlf",
		"core.filemode", "core.symlinks", "core.ignorecase",
		"core.precomposeunicode", "core.quotepath", "core.abbrev",
		"remote.origin.url", "remote.origin.fetch", "remote.origin.promisor",
		"remote.origin.partialclonefilter", "extensions.objectformat",
		"extensions.partialclone", "user.name", "user.email" };
	static const char *const prefixes[] = { "filter.", "lfs.", "submodule." };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(key, names[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(key, prefixes[i]))
			return true;
	return false;
}

/* "https://user:secret@host/x" without what stands before the @: jobs print URLs. */
static char *
without_password(const char *url)
{
	const char *scheme = strstr(url, "://"), *host, *at;

	if (scheme == NULL || strncasecmp(url, "http", 4) != 0)
		return xstrdup(url);
	host = scheme + 3;
	at = memchr(host, '@', strcspn(host, "/?#"));
	if (at == NULL)
		return xstrdup(url);
	return xasprintf("%.*s%s", (int)(host - url), url, at + 1);
}

static int
write_config(struct git_repo *repo, const char *git_dir, struct error *err)
{
	cleanup_strlist struct strlist settings = STRLIST_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_free char *file = path_join(git_dir, "config");
	bool extensions = false;

	if (git_repo_config(repo, &settings, err) < 0)
		return err->code;
	for (size_t i = 0; i < settings.count; i++) {
		char *key = settings.items[i], *value = strchr(key, '\n');
		cleanup_free char *shown = NULL;

		if (value == NULL)
			continue; /* a key without "=": none of those we want */
		*value++ = '\0';
		if (!is_wanted(key))
			continue;
		extensions = extensions || str_starts(key, "extensions.");
		shown = str_ends(key, ".url") ? without_password(value) : xstrdup(value);
		git_env_add_line(&text, key, shown);
	}
	/* bare, so that it is not asked; gc in the background would outlive its job */
	buf_printf(&text,
	    "[core]\n\trepositoryformatversion = %d\n\tbare = false\n"
	    "\tcheckStat = minimal\n\ttrustctime = false\n[gc]\n\tauto = 0\n",
	    extensions ? 1 : 0);
	return path_write_file(file, text.data, text.len, 0666, err);
}

static int
write_alternates(struct git_repo *repo, const char *git_dir, struct error *err)
{
	cleanup_free char *objects = path_join(git_repo_common_dir(repo), "objects");
	cleanup_free char *file = path_join(git_dir, "objects/info/alternates");
	cleanup_buf struct buf text = BUF_INIT;

	git_env_add_quoted(&text, objects);
	buf_add_char(&text, '\n');
	return path_write_file(file, text.data, text.len, 0666, err);
}

/* One file by its name; a missing one is none. */
static int
copy_one(const char *from, const char *to, const char *name, struct error *err)
{
	cleanup_close int from_fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int to_fd = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct copier c = { .files = 0 };
	int rc;

	if (from_fd < 0 || to_fd < 0)
		return error_errno(err, "cannot open %s", from_fd < 0 ? from : to);
	rc = copy_file(&c, from_fd, to_fd, name, NULL, err);
	return rc == ERR_MISSING ? 0 : rc;
}

/* The index, and the files a split one is shared with. */
static int
copy_index(struct git_repo *repo, const char *git_dir, struct error *err)
{
	const char *from = git_repo_git_dir(repo);
	cleanup_closedir DIR *d = opendir(from);
	int rc = copy_one(from, git_dir, "index", err);

	if (d == NULL)
		return error_errno(err, "cannot open %s", from);
	for (struct dirent *e; rc == 0 && (e = readdir(d)) != NULL;)
		if (str_starts(e->d_name, "sharedindex.") &&
		    !str_ends(e->d_name, ".lock"))
			rc = copy_one(from, git_dir, e->d_name, err);
	return rc;
}

/* Files as they are; of another store of refs, what it lists. */
static int
write_refs(struct git_repo *repo, const char *git_dir, struct error *err)
{
	const char *common = git_repo_common_dir(repo);
	cleanup_free char *reftable = path_join(common, "reftable");
	cleanup_free char *from = path_join(common, "refs");
	cleanup_free char *to = path_join(git_dir, "refs");
	cleanup_free char *packed = path_join(git_dir, "packed-refs");
	cleanup_buf struct buf text = BUF_INIT;

	if (access(reftable, F_OK) == 0) {
		if (git_repo_packed_refs(repo, &text, err) < 0)
			return err->code;
		return path_write_file(packed, buf_str(&text), text.len, 0666, err);
	}
	if (copy_one(common, git_dir, "packed-refs", err) < 0)
		return err->code;
	return copy_tree(from, to, NULL, err);
}

static int
write_head(struct git_repo *repo, const char *sha, const char *git_dir, struct error *err)
{
	cleanup_free char *file = path_join(git_dir, "HEAD"), *line = NULL;

	if (*sha == '\0')
		return copy_one(git_repo_git_dir(repo), git_dir, "HEAD", err);
	line = xasprintf("%s\n", sha);
	return path_write_file(file, line, strlen(line), 0666, err);
}

int
snapshot_git_write(
    struct git_repo *repo, const char *sha, const char *dir, struct error *err)
{
	static const char *const folders[] = { "objects/info", "objects/pack", "refs",
		"info" };
	cleanup_free char *git_dir = path_join(dir, ".git");
	const char *common = git_repo_common_dir(repo);

	if (path_remove_tree(AT_FDCWD, git_dir, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		cleanup_free char *folder = path_join(git_dir, folders[i]);

		if (path_mkdirs(folder, 0777, err) < 0)
			return err->code;
	}
	if (write_alternates(repo, git_dir, err) < 0 ||
	    write_refs(repo, git_dir, err) < 0 || write_config(repo, git_dir, err) < 0 ||
	    copy_one(common, git_dir, "shallow", err) < 0 ||
	    copy_one(common, git_dir, "info/exclude", err) < 0 ||
	    copy_one(common, git_dir, "info/attributes", err) < 0 ||
	    copy_index(repo, git_dir, err) < 0 || write_head(repo, sha, git_dir, err) < 0)
		return err->code;
	return 0;
}

static void
add_stat(struct buf *out, const char *dir, const char *name)
{
	cleanup_free char *path = path_join(dir, name);
	struct stat st;

	if (stat(path, &st) < 0)
		buf_printf(out, "%s -\n", name);
	else
		buf_printf(out, "%s %ju %jd %jd.%09ld %jd.%09ld\n", name,
		    (uintmax_t)st.st_ino, (intmax_t)st.st_size,
		    (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		    (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

void
snapshot_git_signature(const struct git_repo *repo, const char *sha, struct buf *out)
{
	buf_printf(out, "%s\n", sha);
	git_repo_signature(repo, out);
	add_stat(out, git_repo_git_dir(repo), "index");
	add_stat(out, git_repo_common_dir(repo), "info/exclude");
	add_stat(out, git_repo_common_dir(repo), "info/attributes");
	add_stat(out, git_repo_common_dir(repo), "reftable/tables.list");
}
