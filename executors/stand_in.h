/*
 * The beginning of a program that stands where a cage's pawl-init would, outside of it
 * (cage.on_host in executors/cage.h): what it needs of its supervisor.
 */
#ifndef EXECUTORS_STAND_IN_H
#define EXECUTORS_STAND_IN_H

#include "base/buf.h"

/*
 * False, with a word about it: it was started by hand. Its own environment bears the
 * job's marker, by which a sweep finds what a dead supervisor left; who has to tidy up
 * then must not be found, so it becomes the same program again without. What was left in
 * the environment is CAGE_FILES_VARIABLE.
 */
bool stand_in_begin(int argc, char **argv);

/* The cage's input. */
MUST_CHECK int stand_in_orders(struct buf *out, struct error *err);

/* The file of INIT_HELLO, which has the job's environment; the caller's. */
MUST_CHECK int stand_in_hear(int socket, int *file, struct error *err);

/* The job's environment, "K=V", of INIT_HELLO. */
struct strlist;
MUST_CHECK int stand_in_hello(int socket, struct strlist *env, struct error *err);

#endif
