/*
 * What an unquoted YAML scalar is: the rules of Ruby's Psych, which reads the pipeline
 * files of GitLab. They are YAML 1.1 with habits: `1:30` is 5400, `1,000` is 1000,
 * `1e3` and `0o17` are strings.
 */
#ifndef PIPELINES_YAML_SCALAR_H
#define PIPELINES_YAML_SCALAR_H

#include "pipelines/node.h"

/* Give a scalar node the kind, value and text that an unquoted text stands for. */
void yaml_scalar_resolve(struct arena *a, struct node *n, const char *text, size_t len);

/* The text looks like a date or a time: a string here, refused by GitLab's loader. */
bool yaml_scalar_is_date(const char *text);

/* A number as Ruby prints it: "3.1", "1.0e+20". */
const char *yaml_scalar_print_float(struct arena *a, double value);

#endif
