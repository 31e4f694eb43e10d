/* One entry of `include` or `spec:include`, checked. gitlab-ci-language.md section 3. */
#ifndef PIPELINES_INCLUDE_ENTRY_H
#define PIPELINES_INCLUDE_ENTRY_H

#include "pipelines/diag.h"
#include "pipelines/vars.h"

enum include_kind {
	INCLUDE_LOCAL,
	INCLUDE_PROJECT,
	INCLUDE_REMOTE,
	INCLUDE_TEMPLATE,
	INCLUDE_COMPONENT,
};

struct include_entry {
	enum include_kind kind;
	struct mark at;
	const char *location; /* local: path; remote: URL; template, component: name */
	const char *project, *ref; /* INCLUDE_PROJECT; ref NULL: its HEAD */
	const char **files;        /* INCLUDE_PROJECT: one or more */
	size_t file_count;
	const struct node *inputs; /* a map; NULL: none */
	const struct node *rules;  /* a list; NULL: none */
};

/*
 * Read an entry as written, a text or a map. Variables in its values are expanded,
 * unknown ones to nothing (vars may be NULL: left as written). header: of
 * `spec:include`, which knows fewer kinds. false after findings.
 */
bool include_entry_read(const struct node *n, bool header, const struct vars *vars,
    struct diags *diags, struct include_entry *out);

#endif
