/*
 * artifacts:reports:dotenv: the variables a job hands to later ones. One KEY=VALUE per
 * line; no comments, no blank lines, no quotes, no substitution. Pure: text in, a list
 * out. Source: gitlab-ci-language.md section 6.
 */
#ifndef SCHEDULER_DOTENV_H
#define SCHEDULER_DOTENV_H

#include "pipelines/vars.h"

#define DOTENV_MAX_BYTES 5120   /* this many are too many */
#define DOTENV_MAX_VARIABLES 50 /* what gitlab.com gives everyone */

/*
 * Variables at VAR_DOTENV in the order of their keys' first appearance; of a key that
 * comes twice the last value counts. ERR_INVALID names the line, ERR_LIMIT the limit.
 * Strings and array lie in the arena.
 */
MUST_CHECK int dotenv_parse(const char *text, size_t len, struct arena *arena,
    struct var **out, size_t *count, struct error *err);

#endif
