/*
 * Documents loaded from text, so that a test is a row. A bundle holds several files, each
 * after a line "=== PATH", "=== GROUP/PROJECT:PATH" or "=== GROUP/PROJECT@REF:PATH"; text
 * before the first such line is .gitlab-ci.yml.
 */
#ifndef TESTS_UNIT_LOADED_H
#define TESTS_UNIT_LOADED_H

#include "pipelines/document.h"
#include "tests/unit/memory_provider.h"

/* What is known besides the files; all zero: nothing. */
struct loaded_event {
	const char *vars;           /* "A=1 B=two"; a name that starts with * is masked */
	const char *inputs;         /* YAML of a map, typed; NULL: none */
	const char *const *changes; /* as of memory_provider */
	const char *compare_ref;
	bool shape_only;
};

struct loaded {
	struct arena *arena;
	struct diags diags;
	struct vars vars;
	struct memory_provider provider;
	struct document document;
	int rc;
};

/* Never fails by itself: see rc and diags. */
struct loaded loaded_from(const char *bundle, const struct loaded_event *event);
void loaded_clear(struct loaded *loaded);

/* The document is this, as node_text() writes it, and there is no finding. */
void loaded_expect(
    const char *bundle, const struct loaded_event *event, const char *want);

/* The findings are these, a line each; there may be a document as well. */
void loaded_expect_findings(
    const char *bundle, const struct loaded_event *event, const char *want);

#endif
