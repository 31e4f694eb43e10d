/* The list of commands, in the order help shows them. */
#include "cli/commands.h"

const struct command *const commands[] = {
	&command_lint,
	&command_expr,
	&command_list,
	&command_graph,
	&command_why,
	NULL,
};
