/* From script items to shell text. */
#include "runner/script.h"

#include <stdio.h>

#define COLLAPSED " # collapsed multi-line command"

/*
 * pipefail where the shell has it: in others than bash asked for by `command`, without
 * which a POSIX shell ends on an option it does not know. noclobber may come from
 * SHELLOPTS. Source: POSIX, "Consequences of Shell Errors" and `command`.
 */
#define PREAMBLE                                                                         \
	"if [ -n \"${BASH_VERSION-}\" ]; then set -o pipefail; "                         \
	"else command set -o pipefail 2>/dev/null || :; fi\n"                            \
	"set -o errexit +o noclobber\n"

/* Without the newlines a YAML block scalar ends with. */
static size_t
trimmed_length(const char *item)
{
	size_t len = strlen(item);

	while (len > 0 && (item[len - 1] == '\n' || item[len - 1] == '\r'))
		len--;
	return len;
}

static char *
echo_line(const char *item)
{
	size_t len = trimmed_length(item);
	const char *newline = memchr(item, '\n', len);
	size_t first = newline == NULL ? len : (size_t)(newline - item);

	return xasprintf("\033[32;1m$ %.*s%s\033[0;m", (int)first, item,
	    newline == NULL ? "" : COLLAPSED);
}

void
script_build(const char *const *items, size_t count, bool trace_commands, struct buf *out,
    struct strlist *echoes)
{
	buf_add_str(out, PREAMBLE);
	if (trace_commands)
		buf_add_str(out, "set -o xtrace\n");
	for (size_t i = 0; i < count; i++) {
		char *echo = echo_line(items[i]);

		/* printf, because echo interprets backslashes in some shells */
		buf_add_str(out, "printf '%s\\n' ");
		buf_add_shell_word(out, echo);
		buf_add_char(out, '\n');
		buf_add_str(out, items[i]);
		buf_add_char(out, '\n');
		strlist_add_take(echoes, echo);
	}
}

void
script_item_title(const char *item, char *out, size_t size)
{
	size_t len;

	while (*item == '\n' || *item == ' ' || *item == '\t')
		item++;
	len = strcspn(item, "\r\n");
	(void)snprintf(out, size, "%.*s", (int)(len < size ? len : size), item);
	if (size > 0)
		out[str_utf8_valid(out, strlen(out))] = '\0'; /* no half character */
}
