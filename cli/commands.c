/* The list of commands, in the order help shows them. */
#include "cli/commands.h"

const struct command *const commands[] = {
	&command_run,
	&command_shell,
	&command_lint,
	&command_list,
	&command_show,
	&command_why,
	&command_graph,
	&command_expr,
	&command_server,
	&command_runner,
	&command_hook,
	&command_login,
	&command_status,
	&command_logs,
	&command_retry,
	&command_cancel,
	&command_play,
	&command_trigger,
	&command_artifacts,
	NULL,
};
