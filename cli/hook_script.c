/* Looking at a repository's hooks/post-receive, writing it and taking it out. */
#include "cli/hook_script.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/program.h"
#include "base/str.h"

#define MAX_SCRIPT ((size_t)1 << 20)
#define NAME "post-receive"
/* no dot after the name: gitolite and others run NAME.* */
#define BEFORE NAME "-before-pawl"
#define MARK "# Written by `pawl hook install`"
#define CALL "pawl-hook"

static char *
script_text(const struct hook_script *s)
{
	return xasprintf(
	    "#!/bin/sh\n" MARK ", taken out by `pawl hook remove`. What is\n"
	    "# pushed here goes on to a pawl server, and the pusher sees its answer.\n"
	    "before=${0%%/*}/" BEFORE "\n"
	    "if [ ! -x \"$before\" ]; then exec %s forward; fi\n"
	    "pushed=$(cat)\n"
	    "printf '%%s\\n' \"$pushed\" 2>/dev/null | \"$before\" \"$@\"\n"
	    "printf '%%s\\n' \"$pushed\" | %s forward\n",
	    s->program, s->program);
}

/* ---- looking --------------------------------------------------------------------- */

/* The file is run by git or by another hook, and says so. */
static bool
calls_pawl(const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;

	return access(path, X_OK) == 0 &&
	    buf_read_file(&text, path, MAX_SCRIPT, NULL) == 0 &&
	    strstr(buf_str(&text), CALL) != NULL;
}

/* In a folder of hooks those called prefix…; malloced, NULL: none of them does. */
static char *
find_caller(const char *dir, const char *prefix)
{
	cleanup_closedir DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		cleanup_free char *path = path_join(dir, entry->d_name);

		if (entry->d_name[0] != '.' && str_starts(entry->d_name, prefix) &&
		    !str_eq(entry->d_name, BEFORE) && calls_pawl(path))
			return take(path);
	}
	return NULL;
}

static bool
is_own(const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;

	return buf_read_file(&text, path, MAX_SCRIPT, NULL) == 0 &&
	    strstr(buf_str(&text), MARK) != NULL;
}

/* Why it cannot be moved, malloced; NULL: it can. */
static char *
why_foreign(const struct hook_script *s, const struct stat *st)
{
	cleanup_free char *folder = xasprintf("%s.d", s->path);
	char target[4096];
	ssize_t n;

	if (S_ISLNK(st->st_mode)) {
		n = readlink(s->path, target, sizeof(target) - 1);
		return xasprintf(
		    "%s is a link to %.*s", s->path, (int)(n < 0 ? 0 : n), target);
	}
	if (s->is_shared)
		return xasprintf("%s lies outside of the repository", s->path);
	if (access(folder, F_OK) == 0)
		return xasprintf("%s may be what runs %s", s->path, folder);
	return s->has_before ? xasprintf("both %s and %s are there", s->path, s->before)
			     : NULL;
}

static void
judge(struct hook_script *s, const char *hooks_dir)
{
	cleanup_free char *folder = xasprintf("%s.d", s->path);
	struct stat st;

	if (lstat(s->path, &st) < 0)
		return;
	if (S_ISREG(st.st_mode) && is_own(s->path)) {
		s->state = HOOK_SCRIPT_OWN;
		s->is_off = access(s->path, X_OK) < 0;
		return;
	}
	s->caller = find_caller(hooks_dir, NAME);
	if (s->caller == NULL)
		s->caller = find_caller(folder, "");
	s->why = why_foreign(s, &st);
	if (s->caller != NULL)
		s->state = HOOK_SCRIPT_CALLED;
	else
		s->state = s->why != NULL ? HOOK_SCRIPT_FOREIGN : HOOK_SCRIPT_PLAIN;
}

void
hook_script_look(const struct hook_place *p, struct hook_script *out)
{
	cleanup_free char *program = program_path("pawl-hook");
	cleanup_free char *inside = xasprintf("%s/", p->git_dir);
	cleanup_buf struct buf quoted = BUF_INIT;
	struct stat st;

	buf_add_shell_quoted(&quoted, program);
	*out = (struct hook_script)HOOK_SCRIPT_INIT;
	out->program = buf_take(&quoted);
	out->path = path_join(p->hooks_dir, NAME);
	out->before = path_join(p->hooks_dir, BEFORE);
	out->has_before = lstat(out->before, &st) == 0;
	out->is_shared = !str_starts(p->hooks_dir, inside);
	judge(out, p->hooks_dir);
}

void
hook_script_clear(struct hook_script *s)
{
	free(s->path);
	free(s->before);
	free(s->caller);
	free(s->why);
	free(s->program);
}

/* ---- writing --------------------------------------------------------------------- */

int
hook_script_check(const struct hook_script *s, struct error *err)
{
	cleanup_free char *program = program_path("pawl-hook");

	if (access(program, X_OK) < 0)
		return error_errno(
		    err, "the owner of the repository cannot run %s", program);
	if (s->state != HOOK_SCRIPT_FOREIGN)
		return 0;
	return error_set(err, ERR_INVALID,
	    "%s, so pawl leaves it alone. Let it run this with its standard input, then "
	    "install again:\n\n    %s forward\n",
	    s->why, s->program);
}

int
hook_script_put(const struct hook_script *s, struct error *err)
{
	cleanup_free char *text = script_text(s);
	cleanup_free char *dir =
	    xstrndup(s->path, (size_t)(strrchr(s->path, '/') - s->path));
	cleanup_buf struct buf old = BUF_INIT;

	if (s->state == HOOK_SCRIPT_CALLED)
		return 0;
	if (s->state == HOOK_SCRIPT_OWN && !s->is_off &&
	    buf_read_file(&old, s->path, MAX_SCRIPT, NULL) == 0 &&
	    str_eq(buf_str(&old), text))
		return 0;
	if (path_mkdirs(dir, 0755, err) < 0)
		return err->code;
	if (s->state == HOOK_SCRIPT_PLAIN && rename(s->path, s->before) < 0)
		return error_errno(err, "cannot move %s", s->path);
	if (path_write_file(s->path, text, strlen(text), 0755, err) < 0)
		return err->code;
	/* whoever pushes runs it, whatever the umask is here */
	return chmod(s->path, 0755) < 0 ? error_errno(err, "%s", s->path) : 0;
}

int
hook_script_remove(const struct hook_script *s, struct error *err)
{
	if (s->state != HOOK_SCRIPT_OWN || s->is_shared)
		return 0;
	if (s->has_before && rename(s->before, s->path) < 0)
		return error_errno(err, "cannot put %s back", s->before);
	if (!s->has_before && unlink(s->path) < 0)
		return error_errno(err, "cannot remove %s", s->path);
	return 0;
}
