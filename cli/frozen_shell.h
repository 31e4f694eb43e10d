/* A shell in a failed job that is kept (cli/frozen.h). One thread. */
#ifndef CLI_FROZEN_SHELL_H
#define CLI_FROZEN_SHELL_H

#include "cli/frozen.h"

/*
 * Run argv, or the job's shell when argc is 0, in the job's environment, until it ends.
 * From terminal to terminal it gets one of its own, otherwise this process's standard
 * streams, but no terminal of the user's. Returns what it ended with, or an exit code of
 * cli/command.h after saying why on standard error.
 */
int frozen_shell(const struct frozen *frozen, const char *const *argv, size_t argc);

/* Both ends of a conversation are a terminal. */
bool frozen_shell_is_interactive(void);

#endif
