/* The programs of the family: pawl and, in its libexec folder, those it starts. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include "base/error.h"

/* Where one is, malloced: in $PAWL_LIBEXEC, beside this program, or as installed. */
char *program_path(const char *name);

/* Becomes that program; argv ends with NULL, argv[0] is replaced. Returns on failure
 * only. */
int program_become(const char *name, char **argv, struct error *err);

#endif
