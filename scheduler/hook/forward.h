/*
 * The hook of a repository hosted elsewhere: what was pushed goes on to the server, whose
 * answer goes back to the pusher.
 */
#ifndef SCHEDULER_HOOK_FORWARD_H
#define SCHEDULER_HOOK_FORWARD_H

/*
 * In git's post-receive; the exit code, which is 0: the push is done, whatever happens
 * here. A process of its own does the work and outlives the push where that is needed.
 */
int forward_push(void);

#endif
