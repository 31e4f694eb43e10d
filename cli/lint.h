/* Checking one pipeline file without an event: `pawl lint`, and whoever else needs it. */
#ifndef CLI_LINT_H
#define CLI_LINT_H

#include "pipelines/config.h"
#include "pipelines/document.h"

struct lint_result {
	struct diags diags; /* texts in the arena */
	size_t jobs;
};

/* Steps 1 to 9. Whether it is valid is in result's diags. */
void lint_document(
    const struct document_options *load, struct arena *arena, struct lint_result *out);

#endif
