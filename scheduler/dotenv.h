/* artifacts:reports:dotenv: variables a job gives to later ones. */
#ifndef SCHEDULER_DOTENV_H
#define SCHEDULER_DOTENV_H

#include "pipelines/vars.h"

#define DOTENV_MAX_BYTES 5120
#define DOTENV_MAX_VARIABLES 50

/*
 * Variables at VAR_DOTENV, the last duplicate only; strings and array in the arena.
 * ERR_INVALID or ERR_LIMIT names the line.
 */
MUST_CHECK int dotenv_parse(const char *text, size_t len, struct arena *arena,
    struct var **out, size_t *count, struct error *err);

#endif
