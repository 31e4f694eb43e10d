/* Finding a bare repository, and the small files pawl keeps in it. */
#include "cli/hook_place.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"

#define MAX_LINE 8192
#define PUSH_OPTIONS "receive.advertisePushOptions"

/* ---- who ------------------------------------------------------------------------- */

static int
become(const struct passwd *user, const struct stat *owner)
{
	int rc =
	    user != NULL ? initgroups(user->pw_name, user->pw_gid) : setgroups(0, NULL);

	if (rc < 0 || setgid(user != NULL ? user->pw_gid : owner->st_gid) < 0)
		return -1;
	return setuid(owner->st_uid);
}

int
hook_place_become_owner(const char *dir, struct error *err)
{
	struct passwd row, *user = NULL;
	char words[MAX_LINE];
	struct stat owner;

	if (stat(dir, &owner) < 0)
		return error_errno(err, "%s", dir);
	if (geteuid() != 0 || owner.st_uid == 0)
		return 0;
	/* one who is in no list has a number */
	if (getpwuid_r(owner.st_uid, &row, words, sizeof(words), &user) != 0)
		user = NULL;
	if (become(user, &owner) < 0)
		return error_errno(err, "cannot act as the owner of %s", dir);
	(void)unsetenv("XDG_CONFIG_HOME");
	(void)setenv("HOME", user != NULL ? user->pw_dir : "/", 1);
	return 0;
}

/* ---- where ----------------------------------------------------------------------- */

/* `git ARG…` there; the first line of its output, malloced. NULL with err. */
static char *
ask_git(const char *dir, const char *const *argv, struct error *err)
{
	const struct process git = { .argv = argv, .cwd = dir };
	cleanup_buf struct buf out = BUF_INIT;

	if (process_run(&git, &out, NULL, err) < 0)
		return NULL;
	return xstrndup(buf_str(&out), strcspn(buf_str(&out), "\n"));
}

static char *
read_line(const char *dir, const char *name)
{
	cleanup_free char *path = path_join(dir, name);
	cleanup_buf struct buf text = BUF_INIT;

	if (buf_read_file(&text, path, MAX_LINE, NULL) < 0)
		return NULL;
	return xstrndup(buf_str(&text), strcspn(buf_str(&text), "\r\n"));
}

static int
check_kind(const char *git_dir, struct error *err)
{
	static const char *const bare[] = { "git", "rev-parse", "--is-bare-repository",
		NULL };
	static const char *const format[] = { "git", "rev-parse", "--show-object-format",
		NULL };
	cleanup_free char *is_bare = ask_git(git_dir, bare, err), *hash = NULL;

	if (is_bare == NULL)
		return err->code;
	if (!str_eq(is_bare, "true"))
		return error_set(err, ERR_INVALID,
		    "%s is a clone to work in; the hook belongs into the bare repository "
		    "people push to",
		    git_dir);
	hash = ask_git(git_dir, format, NULL);
	if (hash != NULL && !str_eq(hash, "sha1"))
		return error_set(err, ERR_INVALID,
		    "%s has %s for its objects; the repositories of a server have sha1",
		    git_dir, hash);
	return 0;
}

int
hook_place_open(const char *dir, struct hook_place *out, struct error *err)
{
	static const char *const where[] = { "git", "rev-parse", "--absolute-git-dir",
		NULL };
	static const char *const hooks[] = { "git", "rev-parse", "--git-path", "hooks",
		NULL };
	cleanup_hook_place struct hook_place p = HOOK_PLACE_INIT;
	cleanup_free char *hooks_dir = NULL;

	p.git_dir = ask_git(dir, where, err);
	if (p.git_dir == NULL)
		return error_wrap(err, "%s", dir);
	if (check_kind(p.git_dir, err) < 0)
		return err->code;
	hooks_dir = ask_git(p.git_dir, hooks, err);
	if (hooks_dir == NULL)
		return err->code;
	p.hooks_dir =
	    *hooks_dir == '/' ? take(hooks_dir) : path_join(p.git_dir, hooks_dir);
	p.dir = path_join(p.git_dir, "pawl");
	p.url = read_line(p.dir, "url");
	p.token = read_line(p.dir, "token");
	*out = p;
	p = (struct hook_place)HOOK_PLACE_INIT;
	return 0;
}

void
hook_place_close(struct hook_place *p)
{
	free(p->git_dir);
	free(p->hooks_dir);
	free(p->dir);
	free(p->url);
	free(p->token);
}

/* ---- settings -------------------------------------------------------------------- */

static char *
new_dir(const struct hook_place *p)
{
	return path_join(p->git_dir, "pawl.new");
}

static int
write_line(const char *dir, const char *name, const char *text, struct error *err)
{
	cleanup_free char *path = path_join(dir, name);
	cleanup_free char *line = xasprintf("%s\n", text);

	return path_write_file(path, line, strlen(line), 0600, err);
}

char *
hook_place_prepare(
    const struct hook_place *p, const char *url, const char *token, struct error *err)
{
	cleanup_free char *dir = new_dir(p);

	hook_place_discard(p);
	if (mkdir(dir, 0700) < 0) {
		(void)error_errno(err, "cannot create folder %s", dir);
		return NULL;
	}
	if (write_line(dir, "url", url, err) < 0 ||
	    write_line(dir, "token", token, err) < 0)
		return NULL;
	return take(dir);
}

int
hook_place_put(const struct hook_place *p, struct error *err)
{
	/* url is last: with it the hook begins to work */
	static const char *const names[] = { "token", "url" };
	cleanup_free char *dir = new_dir(p);

	if (mkdir(p->dir, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot create folder %s", p->dir);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *from = path_join(dir, names[i]);
		cleanup_free char *to = path_join(p->dir, names[i]);

		if (rename(from, to) < 0)
			return error_errno(err, "cannot write %s", to);
	}
	return 0;
}

void
hook_place_discard(const struct hook_place *p)
{
	cleanup_free char *dir = new_dir(p);
	struct error ignored = ERROR_INIT;

	(void)!path_remove_tree(AT_FDCWD, dir, &ignored);
}

/* ---- push options ---------------------------------------------------------------- */

int
hook_place_take_options(const struct hook_place *p, struct error *err)
{
	static const char *const get[] = { "git", "config", "--type=bool", PUSH_OPTIONS,
		NULL };
	static const char *const set[] = { "git", "config", PUSH_OPTIONS, "true", NULL };
	cleanup_free char *is_set = ask_git(p->git_dir, get, NULL);
	cleanup_free char *done = NULL;

	if (is_set != NULL && str_eq(is_set, "true"))
		return 0;
	done = ask_git(p->git_dir, set, err);
	return done == NULL ? err->code : write_line(p->dir, "push-options", "set", err);
}

int
hook_place_remove(const struct hook_place *p, struct error *err)
{
	static const char *const unset[] = { "git", "config", "--unset", PUSH_OPTIONS,
		NULL };
	cleanup_free char *mark = read_line(p->dir, "push-options");

	if (mark != NULL)
		free(ask_git(p->git_dir, unset, NULL)); /* gone already: as well */
	hook_place_discard(p);
	return path_remove_tree(AT_FDCWD, p->dir, err);
}
