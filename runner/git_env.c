/* Environments of gits. */
#include "runner/git_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/path.h"

static void
forget(struct strlist *list)
{
	for (size_t i = 0; i < list->count; i++)
		explicit_bzero(list->items[i], strlen(list->items[i]));
	strlist_clear(list);
}

void
git_env_clear(struct git_env *e)
{
	forget(&e->entries);
	forget(&e->settings);
	if (e->file_fd >= 0)
		close(e->file_fd);
	e->file_fd = -1;
	free(e->large_files);
	e->large_files = NULL;
}

void
git_env_add(struct git_env *e, const char *name, const char *value)
{
	strlist_add_take(&e->entries, xasprintf("%s=%s", name, value));
}

void
git_env_set(struct git_env *e, const char *key, const char *value)
{
	strlist_add(&e->settings, key);
	strlist_add(&e->settings, value);
}

void
git_env_add_ways_out(struct git_env *e)
{
	static const char *const names[] = { "PATH", "HOME", "http_proxy", "https_proxy",
		"HTTPS_PROXY", "no_proxy", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE",
		"SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSH", "GIT_SSH_COMMAND",
		"SSH_AUTH_SOCK", "TMPDIR" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL)
			git_env_add(e, names[i], value);
	}
	git_env_add(e, "LC_ALL", "C.UTF-8");
	git_env_add(e, "GIT_TERMINAL_PROMPT", "0");
}

void
git_env_append(struct git_env *e, const struct git_env *from)
{
	if (from == NULL)
		return;
	for (size_t i = 0; i < from->entries.count; i++)
		strlist_add(&e->entries, from->entries.items[i]);
	for (size_t i = 0; i < from->settings.count; i++)
		strlist_add(&e->settings, from->settings.items[i]);
}

static const char **
as_vars(const struct git_env *e)
{
	const char **vars = xcalloc(e->entries.count + 1, sizeof(*vars));

	memcpy(vars, e->entries.items, e->entries.count * sizeof(*vars));
	return vars;
}

const char **
git_env_finish(struct git_env *e)
{
	size_t pairs = e->settings.count / 2;

	for (size_t i = 0; i < pairs; i++) {
		strlist_add_take(&e->entries,
		    xasprintf("GIT_CONFIG_KEY_%zu=%s", i, e->settings.items[2 * i]));
		strlist_add_take(&e->entries,
		    xasprintf(
			"GIT_CONFIG_VALUE_%zu=%s", i, e->settings.items[2 * i + 1]));
	}
	strlist_add_take(&e->entries, xasprintf("GIT_CONFIG_COUNT=%zu", pairs));
	return as_vars(e);
}

void
git_env_add_quoted(struct buf *b, const char *text)
{
	buf_add_char(b, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\' || *text == '\n')
			buf_add_char(b, '\\');
		buf_add_char(b, *text == '\n' ? 'n' : *text);
	}
	buf_add_char(b, '"');
}

void
git_env_add_line(struct buf *text, const char *key, const char *value)
{
	const char *first = strchr(key, '.'), *last = strrchr(key, '.');

	if (first == NULL || strpbrk(key, "\r\n") != NULL)
		return;
	buf_printf(text, "[%.*s", (int)(first - key), key);
	if (last > first) {
		cleanup_free char *sub = xstrndup(first + 1, (size_t)(last - first - 1));

		buf_add_char(text, ' ');
		git_env_add_quoted(text, sub);
	}
	buf_printf(text, "]\n\t%s = ", last + 1);
	git_env_add_quoted(text, value);
	buf_add_char(text, '\n');
}

static void
add_users(struct buf *text)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	cleanup_free char *other = xdg != NULL && *xdg != '\0'
	    ? xasprintf("%s/git/config", xdg)
	    : xasprintf("%s/.config/git/config", home != NULL ? home : "");
	cleanup_free char *own = xasprintf("%s/.gitconfig", home != NULL ? home : "");

	git_env_add_line(text, "include.path", other);
	git_env_add_line(text, "include.path", own);
}

int
git_env_finish_deep(struct git_env *e, const char ***out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	add_users(&text);
	for (size_t i = 0; i + 1 < e->settings.count; i += 2)
		git_env_add_line(&text, e->settings.items[i], e->settings.items[i + 1]);
	e->file_fd = memfd_create("git-settings", MFD_CLOEXEC);
	if (e->file_fd < 0 || path_write_fd(e->file_fd, buf_str(&text), text.len) < 0)
		return error_errno(err, "cannot write git's settings to memory");
	if (text.data != NULL)
		explicit_bzero(text.data, text.len);
	strlist_add_take(&e->entries,
	    xasprintf("GIT_CONFIG_GLOBAL=/proc/%d/fd/%d", (int)getpid(), e->file_fd));
	*out = as_vars(e);
	return 0;
}
