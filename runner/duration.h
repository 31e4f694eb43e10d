/*
 * Durations as the runner's variables have them (RUNNER_SCRIPT_TIMEOUT and others): Go's
 * spelling, "1h30m", "90s", "1.5h". Source: runner-protocol.md section 7.
 */
#ifndef RUNNER_DURATION_H
#define RUNNER_DURATION_H

#include "base/base.h"

bool duration_parse_go(const char *text, int64_t *ms);

#endif
