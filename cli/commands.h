/* One row per command; each is defined in the file of its name. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command command_artifacts;
extern const struct command command_cancel;
extern const struct command command_expr;
extern const struct command command_graph;
extern const struct command command_hook;
extern const struct command command_lint;
extern const struct command command_list;
extern const struct command command_login;
extern const struct command command_logs;
extern const struct command command_play;
extern const struct command command_retry;
extern const struct command command_run;
extern const struct command command_runner;
extern const struct command command_server;
extern const struct command command_shell;
extern const struct command command_show;
extern const struct command command_status;
extern const struct command command_trigger;
extern const struct command command_why;

#endif
