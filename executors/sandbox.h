/*
 * The sandbox executor: scripts run on this machine's system, read-only, with a home, a
 * /tmp, processes and devices of their own, by bubblewrap. Only the workspace and what
 * goes with the job can be written. Works as an ordinary user.
 */
#ifndef EXECUTORS_SANDBOX_H
#define EXECUTORS_SANDBOX_H

#include "executors/executor.h"

extern const struct executor executor_sandbox;

#endif
