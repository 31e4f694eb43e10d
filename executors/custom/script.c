/*
 * The scripts a driver runs, each whole in itself: variables, files, folder, commands. A
 * driver may feed one to a shell's standard input, so nothing in it may read from there.
 */
#include <ctype.h>

#include "executors/custom/driver.h"

static size_t
name_length(const char *entry)
{
	size_t n = 0;

	while (isalnum((unsigned char)entry[n]) || entry[n] == '_')
		n++;
	return n > 0 && !isdigit((unsigned char)entry[0]) && entry[n] == '=' ? n : 0;
}

static void
add_variables(const struct custom *c, char *const *env, struct buf *out)
{
	for (; *env != NULL; env++) {
		cleanup_free char *entry = driver_replace_place(c, *env);
		size_t n = name_length(entry);

		if (n == 0 || strncmp(entry, "PAWL_", 5) == 0)
			continue;
		buf_printf(out, "export %.*s=", (int)n, entry);
		buf_add_shell_word(out, entry + n + 1);
		buf_add_char(out, '\n');
	}
}

/* Their variables are set to where they will lie. */
static void
add_files(const struct custom *c, struct buf *out)
{
	if (c->orders.files.count == 0)
		return;
	buf_add_str(out,
	    "mkdir -p \"$CI_PROJECT_DIR.tmp\" && chmod 700 \"$CI_PROJECT_DIR.tmp\"\n");
	for (size_t i = 0; i < c->orders.files.count; i++) {
		const char *entry = c->orders.files.items[i];
		size_t n = name_length(entry);

		if (n == 0)
			continue;
		buf_add_str(out, "printf %s ");
		buf_add_shell_word(out, entry + n + 1);
		buf_printf(out, " >\"$%.*s\"\n", (int)n, entry);
	}
}

/* What earlier steps wrote. Source: runner-protocol.md section 8.2. */
#define LATER                                                                            \
	"mkdir -p \"${GITLAB_ENV%/*}\"\n"                                                \
	"if [ -r \"$GITLAB_ENV\" ]; then while IFS= read -r pawl_line; do\n"             \
	"case $pawl_line in [A-Za-z_]*=*) export \"$pawl_line\" ;; esac\n"               \
	"done <\"$GITLAB_ENV\"; unset pawl_line; fi\n"

void
driver_write_script(const struct custom *c, const char *stage, char *const *env,
    const char *command, struct buf *out)
{
	bool before = str_eq(stage, "prepare_script") || str_eq(stage, "get_sources");
	cleanup_buf struct buf text = BUF_INIT;

	add_variables(c, env, &text);
	if (!str_eq(stage, "prepare_script")) {
		buf_add_str(&text, "set -e\n");
		add_files(c, &text);
		buf_add_str(&text, LATER);
		buf_add_str(&text,
		    before ? "mkdir -p \"$CI_PROJECT_DIR\"\n"
			   : "cd \"$CI_PROJECT_DIR\"\n");
		buf_add_str(&text, "set +e\n");
	}
	if (c->orders.cache_dir != NULL &&
	    (str_eq(stage, "restore_cache") || str_starts(stage, "archive_cache"))) {
		buf_add_str(&text, "pawl_cache_dir=");
		buf_add_shell_word(&text, c->orders.cache_dir);
		buf_add_char(&text, '\n');
	}
	buf_add_str(&text, command);
	buf_printf(
	    out, "#!/usr/bin/env %s\n(eval ", c->shell != NULL ? c->shell : "bash");
	buf_add_shell_word(out, buf_str(&text));
	buf_add_str(out, ") </dev/null\nexit $?\n");
}
