/*
 * How `pawl run` runs jobs, by a file of the user's: ~/.config/pawl/run.yml, or what
 * --config names. It is written as a runner's (runner/settings.h), without what is about
 * servers. It is never read from the repository, which may be a stranger's.
 */
#ifndef CLI_RUN_SETTINGS_H
#define CLI_RUN_SETTINGS_H

#include "cli/command.h"
#include "pipelines/vars.h"
#include "runner/settings.h"

/*
 * Says what is wrong on standard error and returns the exit code. No file is no setting.
 * A store of caches is read from, not written to, unless its policy says so.
 */
int run_settings_read(
    const struct args *args, struct arena *arena, struct runner_settings *out);

/*
 * Which project of a server's this one is, by a CI_PROJECT_ID that somebody has given it
 * (vars): what caches in a store are named after. Without one there is no store, which is
 * said.
 */
void run_settings_find_project(
    struct runner_settings *s, const struct vars *vars, int64_t *project_id);

#endif
