/* Does somebody listen at a TCP port of this network, for others than itself? */
#ifndef EXECUTORS_INIT_LISTENS_H
#define EXECUTORS_INIT_LISTENS_H

#include <stdbool.h>

/* port: in decimal. Nobody is disturbed by a connection that says nothing. */
bool listens(const char *port);

#endif
