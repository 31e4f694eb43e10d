/*
 * An image's entrypoint before pawl-init: it is started with the job's environment, as by
 * GitLab's runner, and begins what is in its arguments, pawl-init among them, in the end.
 * The environment comes over the socket (INIT_HELLO): it holds secrets, which a runtime
 * would keep on a disk.
 */
#ifndef EXECUTORS_INIT_ENTER_H
#define EXECUTORS_INIT_ENTER_H

/* socket: to be inherited by pawl-init, which it was opened for, or close-on-exec. argv
 * ends with NULL. Returns, with an exit status, when it cannot be started. */
int enter(int socket, char **argv);

#endif
