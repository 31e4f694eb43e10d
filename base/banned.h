/*
 * Included before everything else by the build itself. These functions cannot be used
 * safely, or hide errors: naming one is a build error. base/str.h and base/buf.h have
 * what to use instead.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* the headers that declare them come first: poison does not forgive a declaration */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat strncat strncpy sprintf vsprintf strtok gets
#pragma GCC poison system atoi atol atoll atof

#endif
