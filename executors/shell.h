/* The shell executor: scripts run on this machine, as this user, without a cage. */
#ifndef EXECUTORS_SHELL_H
#define EXECUTORS_SHELL_H

#include "executors/executor.h"

extern const struct executor executor_shell;

/* This machine's shell for scripts; NULL: there is none. */
const char *shell_find(void);

#endif
