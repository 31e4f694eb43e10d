/* What the command tables say to people: help texts, man pages, shell completion. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>

#include "cli/command.h"

#define WIDTH 80

/* Words of text from column indent on, broken at WIDTH; \n\n stays a paragraph. */
static void
wrap(struct buf *out, const char *text, size_t indent)
{
	size_t col = indent;

	while (*text != '\0') {
		size_t n = strcspn(text, " \n");

		if (*text == '\n') {
			bool paragraph = text[1] == '\n';

			buf_printf(out, paragraph ? "\n\n%*s" : "\n%*s", (int)indent, "");
			text += paragraph ? 2 : 1;
			col = indent;
			continue;
		}
		if (*text == ' ') {
			text++;
			if (col == indent) /* indented example line */
				buf_add_char(out, ' ');
			continue;
		}
		if (col > indent && col + n + 1 > WIDTH) {
			buf_printf(out, "\n%*s", (int)indent, "");
			col = indent;
		}
		if (col > indent) {
			buf_add_char(out, ' ');
			col++;
		}
		buf_add(out, text, n);
		col += n;
		text += n;
	}
	buf_add_char(out, '\n');
}

static void
option_line(const struct option_row *row, struct buf *out)
{
	char left[64];
	int n = 0;

	if (row->letter != 0)
		n = snprintf(left, sizeof(left), "  -%c, --%s", row->letter, row->name);
	else
		n = snprintf(left, sizeof(left), "      --%s", row->name);
	if (row->metavar != NULL)
		n += snprintf(left + n, sizeof(left) - (size_t)n, " %s", row->metavar);
	buf_printf(out, n < 26 ? "%-26s  " : "%s\n                            ", left);
	wrap(out, row->help, 28);
}

static void
overview(struct buf *out)
{
	buf_add_str(out,
	    "pawl runs .gitlab-ci.yml pipelines on this machine.\n\n"
	    "Usage: pawl COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n");
	for (const struct command *const *c = commands; *c != NULL; c++)
		buf_printf(out, "  %-8s  %s\n", (*c)->name, (*c)->summary);
	buf_add_str(out,
	    "\n`pawl COMMAND --help` tells more; `pawl --version` tells the version.\n");
}

void
command_help(const struct command *command, struct buf *out)
{
	if (command == NULL) {
		overview(out);
		return;
	}
	buf_printf(out, "Usage: pawl %s [OPTION…]%s%s\n\n", command->name,
	    command->usage[0] != '\0' ? " " : "", command->usage);
	wrap(out, command->description, 0);
	buf_add_str(out, "\nOptions:\n");
	for (const struct option_row *const *g = command->options; *g != NULL; g++)
		for (const struct option_row *row = *g; row->name != NULL; row++)
			option_line(row, out);
	buf_add_str(out, "  -h, --help                show this help\n");
}

/* Text for roff: a leading dot or quote and every backslash and hyphen need care. */
static void
roff(struct buf *out, const char *text)
{
	for (bool start = true; *text != '\0'; text++) {
		if (start && (*text == '.' || *text == '\''))
			buf_add_str(out, "\\&");
		if (text[0] == '\n' && text[1] == '\n') {
			buf_add_str(out, "\n.PP\n");
			text++;
			start = true;
			continue;
		}
		if (text[0] == '\n') {
			buf_add_str(out, "\n.br\n");
			start = true;
			continue;
		}
		if (*text == '\\')
			buf_add_str(out, "\\e");
		else if (*text == '-')
			buf_add_str(out, "\\-");
		else
			buf_add_char(out, *text);
		start = false;
	}
	buf_add_char(out, '\n');
}

static void
man_option(const struct option_row *row, struct buf *out)
{
	buf_add_str(out, ".TP\n");
	if (row->letter != 0)
		buf_printf(out, "\\fB\\-%c\\fR, ", row->letter);
	buf_add_str(out, "\\fB\\-\\-");
	for (const char *p = row->name; *p != '\0'; p++)
		buf_printf(out, *p == '-' ? "\\-" : "%c", *p);
	buf_add_str(out, "\\fR");
	if (row->metavar != NULL)
		buf_printf(out, " \\fI%s\\fR", row->metavar);
	buf_add_char(out, '\n');
	roff(out, row->help);
}

static void
man_overview(struct buf *out)
{
	buf_add_str(out,
	    ".TH PAWL 1 \"\" \"pawl " PACKAGE_VERSION "\"\n"
	    ".SH NAME\npawl \\- run .gitlab-ci.yml pipelines\n"
	    ".SH SYNOPSIS\n.B pawl\n.I COMMAND\n[\\fIOPTION\\fR…] [\\fIARGUMENT\\fR…]\n"
	    ".SH COMMANDS\n");
	for (const struct command *const *c = commands; *c != NULL; c++) {
		buf_printf(out, ".TP\n\\fBpawl\\-%s\\fR(1)\n", (*c)->name);
		roff(out, (*c)->summary);
	}
	buf_add_str(out,
	    ".SH EXIT STATUS\n0 passed, 1 failed, 2 invalid pipeline or usage, "
	    "3 this machine lacks something, 75 server out of reach, 130 interrupted.\n");
}

void
command_man(const struct command *command, struct buf *out)
{
	if (command == NULL) {
		man_overview(out);
		return;
	}
	buf_add_str(out, ".TH PAWL\\-");
	for (const char *p = command->name; *p != '\0'; p++)
		buf_add_char(out, (char)toupper((unsigned char)*p));
	buf_printf(out, " 1 \"\" \"pawl " PACKAGE_VERSION "\"\n.SH NAME\npawl\\-%s \\- ",
	    command->name);
	roff(out, command->summary);
	buf_printf(out, ".SH SYNOPSIS\n\\fBpawl %s\\fR [\\fIOPTION\\fR…]", command->name);
	if (command->usage[0] != '\0')
		buf_printf(out, " \\fI%s\\fR", command->usage);
	buf_add_str(out, "\n.SH DESCRIPTION\n");
	roff(out, command->description);
	buf_add_str(out, ".SH OPTIONS\n");
	for (const struct option_row *const *g = command->options; *g != NULL; g++)
		for (const struct option_row *row = *g; row->name != NULL; row++)
			man_option(row, out);
	buf_add_str(out,
	    ".SH EXIT STATUS\n0 passed, 1 failed, 2 invalid pipeline or usage, "
	    "3 this machine lacks something, 75 server out of reach, 130 interrupted.\n.SH SEE ALSO\n"
	    "\\fBpawl\\fR(1)\n");
}

void
command_completion(struct buf *out)
{
	buf_add_str(out,
	    "# bash completion for pawl; made by `pawl help --completion`\n"
	    "_pawl() {\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words\n"
	    "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords='help");
	for (const struct command *const *c = commands; *c != NULL; c++)
		buf_printf(out, " %s", (*c)->name);
	buf_add_str(out, "'\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n");
	for (const struct command *const *c = commands; *c != NULL; c++) {
		buf_printf(out, "\t\t%s) words='--help", (*c)->name);
		for (const struct option_row *const *g = (*c)->options; *g != NULL; g++)
			for (const struct option_row *row = *g; row->name != NULL; row++)
				buf_printf(out, " --%s", row->name);
		buf_add_str(out, "' ;;\n");
	}
	buf_add_str(out,
	    "\t\tesac\n\tfi\n"
	    "\tif [ \"$COMP_CWORD\" -gt 1 ] && [ \"${cur#-}\" = \"$cur\" ]; then\n"
	    "\t\tcase ${COMP_WORDS[1]} in\n"
	    "\t\trun|why)\n"
	    "\t\t\tlocal IFS=$'\\n'\n"
	    "\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$(pawl list --names 2>/dev/null)\" -- \"$cur\")\n"
	    "\t\t\tCOMPREPLY=(\"${COMPREPLY[@]// /\\\\ }\")\n"
	    "\t\t\treturn ;;\n"
	    "\t\tesac\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	    "\t\treturn\n\tfi\n"
	    "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	    "}\ncomplete -F _pawl pawl\n");
}
