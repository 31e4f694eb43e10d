/*
 * From a file to the merged document: YAML, inputs, includes, extends, !reference.
 * Steps 1 to 5 of gitlab-ci-language.md section 1.
 */
#ifndef PIPELINES_DOCUMENT_H
#define PIPELINES_DOCUMENT_H

#include "pipelines/diag.h"
#include "pipelines/provider.h"
#include "pipelines/vars.h"

#define DOCUMENT_MAX_BYTES ((size_t)2 * 1024 * 1024) /* a file; GitLab's limit */
#define DOCUMENT_MAX_DEPTH 100
#define DOCUMENT_MAX_FILES 150
#define DOCUMENT_MAX_NODES                                                               \
	((size_t)2 * 1000 * 1000) /* after aliases: a billion laughs ends here */

struct document_options {
	const char *path; /* ".gitlab-ci.yml" */
	const struct provider *provider;
	const struct vars
	    *vars; /* what include may use: no variables of the file itself */
	/*
	 * Values for spec:inputs of the main file: a map, or NULL. A text without a file
	 * in its mark comes from a command line and is read as the input's type asks.
	 */
	const struct node *inputs;
	/* Values are yet to be asked for: those that are required may be missing. */
	bool is_unasked;
	bool shape_only; /* the main file alone: no includes, inputs, extends, references
			  */
};

struct document {
	/*
	 * A map. After errors a job whose `extends` could not be resolved keeps that key,
	 * and a reference that could not stays NODE_REFERENCE.
	 */
	struct node *root;
	/* Every file that went in, in order: path, and SHA-256 of its content in hex. */
	struct document_file {
		const char *path, *sha256;
	} * files;
	size_t file_count;
	/*
	 * A file could not be had, which is an error of its own; whether the rest fits
	 * together (scripts, stages, needs) cannot be told then.
	 */
	bool incomplete;
	/* What the main file asks for, with what spec:include adds; NULL: nothing. There
	 * also when document_load() fails later on. */
	const struct node *inputs;
};

/*
 * 0 when there is a document to go on with, also when there were errors (diags->errors):
 * what else is wrong can then be found in the same run. Negative after a finding that
 * leaves nothing to look at.
 */
MUST_CHECK int document_load(const struct document_options *options, struct arena *arena,
    struct diags *diags, struct document *out);

/* A top-level key that is never a job: `default`, `stages`, `variables` … */
bool document_is_keyword(const char *key);

/* Parse one YAML text into nodes (1.1 rules as GitLab's loader has them). Several
 * documents in a stream give several nodes. Findings go to diags; file is the name in
 * marks. */
MUST_CHECK int yaml_parse(const char *text, size_t len, const char *file,
    struct arena *arena, struct diags *diags, struct node ***documents, size_t *count);

/* The node as YAML text that parses back to the same nodes. */
void yaml_emit(const struct node *node, struct buf *out);

#endif
