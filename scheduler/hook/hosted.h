/*
 * A push to a repository the server hosts itself. A push is a push even when nobody
 * answers: the server looks for itself when it is back.
 */
#ifndef SCHEDULER_HOOK_HOSTED_H
#define SCHEDULER_HOOK_HOSTED_H

/* Tells the server which refs moved and shows the pusher its answer; the exit code. */
int hosted_tell(void);

#endif
