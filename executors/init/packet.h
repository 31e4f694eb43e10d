/*
 * Packets of executors/init/init.h, as the side in a cage reads and writes them. Links
 * libc alone and uses nothing else of pawl.
 */
#ifndef EXECUTORS_INIT_PACKET_H
#define EXECUTORS_INIT_PACKET_H

#include <stdbool.h>
#include <stddef.h>

#include "executors/init/init.h"

#define INIT_FILES 4 /* the most that come with a message */

/* False: nobody listens any more. */
bool init_tell(
    int socket, enum init_type type, uint32_t number, int value, const char *text);

/* The same with files, INIT_FILES at most; m as it is. */
bool init_send(int socket, const struct init_message *m, const int *files, size_t count);

/*
 * The next packet; files it has not are -1, those it has are the caller's. False: the
 * socket is at its end. A type of 0: there is none now.
 */
bool init_receive(int socket, struct init_message *m, int files[INIT_FILES]);

/*
 * Wait for INIT_HELLO; its file is the caller's, -1 when something else came. False: the
 * socket is at its end.
 */
bool init_hear_hello(int socket, int *file);

/* What to run, as the first file of INIT_RUN says. It points into the file's memory. */
struct init_step {
	char *dir;
	char **argv, **env; /* end with NULL */
	char *memory;
	size_t len;
};

/* False: errno, or 0 when the file is not what it should be. */
bool init_step_read(int file, struct init_step *out);
/* Add what this process has in its environment and the step does not name. False: no
 * memory. */
bool init_step_add_own(struct init_step *step);

void init_step_clear(struct init_step *step); /* a zeroed one is fine */

#endif
