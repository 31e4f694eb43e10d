/* `include:rules`: is a file included for this event? */
#ifndef PIPELINES_INCLUDE_RULES_H
#define PIPELINES_INCLUDE_RULES_H

#include "pipelines/loader.h"

/*
 * rules is a list or NULL, which includes always. from: the file the rules stand in.
 * false also after a finding, and with options.shape_only after checking the shape.
 */
bool include_rules_hold(
    struct loader *l, const struct source *from, const struct node *rules);

#endif
