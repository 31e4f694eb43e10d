/* `!reference [job, key, …]`: a value taken from elsewhere in the document. */
#ifndef PIPELINES_REFERENCE_H
#define PIPELINES_REFERENCE_H

#include "pipelines/diag.h"

/*
 * The root with every reference replaced by what it stands for; nodes without any are
 * shared. One that cannot be resolved stays, after its finding. incomplete: files are
 * missing, so what is not found is no finding. NULL after a finding: what is resolved
 * is too large.
 */
struct node *reference_resolve(
    struct node *root, bool incomplete, struct arena *arena, struct diags *diags);

#endif
