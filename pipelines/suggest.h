/* "; did you mean …?" for the end of a finding. */
#ifndef PIPELINES_SUGGEST_H
#define PIPELINES_SUGGEST_H

#include "pipelines/diag.h"

/*
 * The nearest key of the map, or nearest name of a list that ends with NULL, as
 * `; did you mean "x"?`; "" when nothing is near. The text lives as long as the
 * findings. Searching is left out when there are many findings already.
 */
const char *suggest_key(const struct diags *d, const struct node *map, const char *word);
const char *suggest_name(
    const struct diags *d, const char *const *names, const char *word);

#endif
