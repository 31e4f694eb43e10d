/*
 * What is wrong with a text that is not YAML, in words that help: where libyaml stopped,
 * and what people usually meant there.
 */
#ifndef PIPELINES_YAML_PROBLEM_H
#define PIPELINES_YAML_PROBLEM_H

#include <yaml.h>

#include "pipelines/diag.h"

/* Size and encoding; false after a finding. */
bool yaml_problem_check_text(
    const char *text, size_t len, const char *file, struct diags *diags);

/* The parser has failed on that text. */
void yaml_problem_report(const yaml_parser_t *parser, const char *text, size_t len,
    const char *file, struct diags *diags);

#endif
