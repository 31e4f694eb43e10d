/*
 * crun as a file in memory that nobody can change any more. A container's first process
 * can open the file of the runtime that made it, so crun, which must not be changed in
 * this way (CVE-2019-5736), begins by copying itself into such a file and starting
 * again. One that is started from there finds this done already, and a container starts
 * a fourth sooner.
 * Source: crun, src/libcrun/cloned_binary.c, is_self_cloned(): "sharing it isn't a bad
 * thing".
 */
#ifndef EXECUTORS_CONTAINER_RUNTIME_COPY_H
#define EXECUTORS_CONTAINER_RUNTIME_COPY_H

struct runtime_copy;

struct runtime_copy *runtime_copy_new(void);
void runtime_copy_free(struct runtime_copy *c); /* NULL is allowed */

/*
 * Program as such a file, for the caller to close; the copy is made anew when that
 * program has changed since the last call. 0: it cannot be had, start it where it lies.
 */
int runtime_copy_open(struct runtime_copy *c, const char *program);

#endif
