/* The .git of a commit's files, and git called for them. */
#include "runner/commit_git.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/git.h"
#include "base/path.h"
#include "base/process.h"
#include "runner/commit_tree.h"
#include "runner/git_env.h"

#define GIT_LIMIT_MS (30 * 60 * 1000)

/* ---- the .git -------------------------------------------------------------- */

static int
write_text(const char *dir, const char *name, const char *text, struct error *err)
{
	cleanup_free char *file = path_join(dir, name);

	return path_write_file(file, text, strlen(text), 0666, err);
}

static int
write_config(const struct commit_tree *t, const char *git_dir, struct error *err)
{
	bool sha256 = strlen(t->sha) == GIT_SHA_MAX - 1;
	cleanup_buf struct buf text = BUF_INIT;

	/* gc in the background would outlive its job; stat data beyond times and sizes
	 * differ in an overlay
	 */
	buf_printf(&text,
	    "[core]\n\trepositoryformatversion = %d\n\tbare = false\n\tfilemode = true\n"
	    "\tcheckStat = minimal\n\ttrustctime = false\n[gc]\n\tauto = 0\n",
	    sha256);
	if (sha256)
		buf_add_str(&text, "[extensions]\n\tobjectformat = sha256\n");
	if (t->remote_url != NULL && strpbrk(t->remote_url, "\n\r") == NULL) {
		buf_add_str(&text, "[remote \"origin\"]\n\turl = ");
		git_env_add_quoted(&text, t->remote_url);
		buf_add_str(&text, "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n");
	}
	return write_text(git_dir, "config", buf_str(&text), err);
}

int
commit_git_dir_write(const struct commit_tree *t, const char *git_dir, struct error *err)
{
	static const char *const folders[] = { "objects/info", "objects/pack",
		"refs/heads", "refs/tags", "info" };
	cleanup_free char *head = xasprintf("%s\n", t->sha);
	cleanup_free char *objects = path_join(t->repo_dir, "objects");
	cleanup_buf struct buf alternates = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		cleanup_free char *folder = path_join(git_dir, folders[i]);

		if (path_mkdirs(folder, 0777, err) < 0)
			return err->code;
	}
	git_env_add_quoted(&alternates, objects);
	buf_add_char(&alternates, '\n');
	if (write_text(git_dir, "HEAD", head, err) < 0 ||
	    write_text(git_dir, "objects/info/alternates", buf_str(&alternates), err) < 0)
		return err->code;
	return write_config(t, git_dir, err);
}

/* ---- calling git ----------------------------------------------------------- */

/* Settings that would make git write an index that is not known here. */
static const char *const settings[][2] = {
	{ "safe.directory", "*" },
	{ "index.version", "2" },
	{ "index.sparse", "false" },
	{ "core.splitIndex", "false" },
	{ "core.untrackedCache", "false" },
	{ "core.fsmonitor", "false" },
	{ "feature.manyFiles", "false" },
};

int
commit_git_run(const struct commit_tree *t, const char *const *argv, const char *dir,
    const char *index_file, size_t max_out, struct buf *out, struct error *err)
{
	const char *path = getenv("PATH"), *home = getenv("HOME");
	cleanup_git_env struct git_env env = GIT_ENV_INIT;
	struct process p = {
		.argv = argv, .cwd = dir, .max_out = max_out, .timeout_ms = GIT_LIMIT_MS
	};
	const char **vars;
	int rc;

	/* what the runner was called from does not count; the user's settings do */
	git_env_add(&env, "PATH", path != NULL ? path : "/usr/bin:/bin");
	git_env_add(&env, "HOME", home != NULL ? home : "/");
	git_env_add(&env, "LC_ALL", "C.UTF-8");
	git_env_add(&env, "GIT_TERMINAL_PROMPT", "0");
	if (index_file != NULL)
		git_env_add(&env, "GIT_INDEX_FILE", index_file);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		git_env_set(&env, settings[i][0], settings[i][1]);
	git_env_append(&env, t->git);
	vars = git_env_finish(&env);
	p.env = vars;
	rc = process_run(&p, out, NULL, err);
	free(vars);
	return rc;
}

static void
add_facts(struct buf *b, const char *dir, const char *name)
{
	cleanup_free char *file = xasprintf("%s/%s", dir, name);
	struct stat st;

	if (stat(file, &st) == 0)
		buf_printf(b, "%s %ju %jd %jd.%09ld\n", file, (uintmax_t)st.st_ino,
		    (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
		    st.st_mtim.tv_nsec);
}

void
commit_git_ways(char out[HASH_SHA256_HEX])
{
	static const char *const own[] = { ".gitconfig", ".config/git/config",
		".config/git/attributes" };
	const char *home = getenv("HOME");
	cleanup_buf struct buf text = BUF_INIT;

	add_facts(&text, "/etc", "gitconfig");
	add_facts(&text, "/etc", "gitattributes");
	for (size_t i = 0; home != NULL && i < ARRAY_LEN(own); i++)
		add_facts(&text, home, own[i]);
	hash_sha256_hex(buf_str(&text), text.len, out);
}
