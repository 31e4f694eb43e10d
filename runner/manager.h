/*
 * A runner at work: asks its servers for jobs while it has room for one, by long poll,
 * and looks after the jobs it got. Loop thread.
 * Source: runner-protocol.md section 3.
 */
#ifndef RUNNER_MANAGER_H
#define RUNNER_MANAGER_H

#include "runner/runner.h"
#include "runner/settings.h"

struct manager;

/*
 * Takes the lock of the state folder, and over the jobs an earlier runner left in it.
 * settings and runner (its loop, executor, name and version) outlive the
 * manager. ERR_ENVIRONMENT: another runner works there, or the folder cannot be used.
 */
MUST_CHECK int manager_new(const struct runner_settings *settings,
    const struct runner *runner, struct manager **out, struct error *err);

void manager_start(struct manager *m);

/*
 * The first time: asks for no more jobs, and ends as soon as all it has can go on under
 * their supervisors. The second: ends the jobs, and ends when that is told. The third:
 * ends at once. The loop runs out of work then.
 */
void manager_stop(struct manager *m);

void manager_free(struct manager *m); /* once the loop has ended */

#endif
