/* Starting pawl-init (executors/init/init.h) in a cage. */
#ifndef EXECUTORS_INIT_PROGRAM_H
#define EXECUTORS_INIT_PROGRAM_H

#include "base/error.h"
#include "base/str.h"

/* Where it lies, malloced. ERR_ENVIRONMENT: it is not installed. */
MUST_CHECK int init_program_path(char **out, struct error *err);

/* Its arguments, inside being its path in there; append to argv. */
void init_program_argv(const char *inside, struct strlist *argv);

#endif
