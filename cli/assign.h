/* -v K=V and -i K=V, the same for every command that has them. */
#ifndef CLI_ASSIGN_H
#define CLI_ASSIGN_H

#include "cli/command.h"
#include "pipelines/node.h"
#include "pipelines/vars.h"

/* Each given --variable, at VAR_PIPELINE. Says what is wrong and returns the exit code.
 */
int assign_variables(const struct args *args, struct vars *vars);

/*
 * Each given --input, as a map in the arena; *out stays NULL when there is none. A value
 * is YAML, so that numbers, booleans and lists keep their type.
 */
int assign_inputs(const struct args *args, struct arena *arena, const struct node **out);

struct json_writer;
/* As a request's member: [{"key": …, "value": …}]. */
void assign_put_variables(
    struct json_writer *w, const char *key, const struct vars *vars);

#endif
