/* A config made from a YAML text, for the tests of it. */
#ifndef TESTS_UNIT_BUILT_H
#define TESTS_UNIT_BUILT_H

#include "pipelines/config.h"

struct built {
	struct arena *arena;
	struct diags diags;
	struct config *config; /* NULL after an error */
	int rc;
};

/* The text is one document of a file "ci.yml"; extends and include are not resolved. */
struct built build_text(const char *yaml, bool shape_only);
void built_free(struct built *built);

/* All findings, one per line, malloced. */
char *built_findings(const struct built *built);

/* The job of that name; the test fails when there is none. */
const struct job_config *built_job(const struct built *built, const char *name);

/* "a|b|c", malloced. */
char *strs_text(const struct strs *strs);

#endif
