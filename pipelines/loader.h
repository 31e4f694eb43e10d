/*
 * Between the files that load a document: what is being read, from where, and what was
 * read so far. One loader serves one document_load().
 */
#ifndef PIPELINES_LOADER_H
#define PIPELINES_LOADER_H

#include "pipelines/document.h"
#include "pipelines/merge.h"

/* A file to read, and the way that led to it. */
struct source {
	const char *project, *ref;   /* NULL: the project being compiled */
	const char *path;            /* from the root of that repository */
	const struct source *parent; /* the file that includes it; NULL: the main file */
	struct mark at;              /* the include; unknown for the main file */
	const struct node *inputs;   /* given values, a map; NULL: none */
};

struct loader {
	const struct document_options *options;
	const struct vars *vars; /* of the options, or an empty scope */
	struct arena *arena;
	struct diags *diags;
	struct document_file *files;
	size_t file_count, file_cap;
	struct merge merge;
	size_t weight;   /* of all bodies read: they may be merged, so it is bounded */
	bool incomplete; /* a file could not be had */
	bool stopped;    /* a limit was hit: nothing more is read */
	const struct node *inputs; /* spec:inputs of the main file */
};

/* The file as people are shown it: "ci/a.yml", "group/project@ref:ci/a.yml". */
const char *source_name(struct loader *l, const struct source *s);

/*
 * The text of the file, counted and recorded. NULL after a finding; an empty file is
 * one, too.
 */
const char *source_read(struct loader *l, const struct source *s, size_t *len);

/* The file with its includes merged under it; a map, or NULL after a finding. */
struct node *loader_read_file(struct loader *l, const struct source *s);

/*
 * Every file that `include` (a value as written) names, each loaded and merged over
 * those before it. NULL when there is none. With options.shape_only the value is only
 * checked.
 */
struct node *include_load(
    struct loader *l, const struct source *from, const struct node *include);

/* The inputs of the files under `spec:include`, merged under those of the spec itself. */
struct node *include_load_inputs(
    struct loader *l, const struct source *from, const struct node *spec);

/* A file that cannot be had: a finding, and what depends on it is no finding. */
void loader_missing(struct loader *l, struct mark at, const char *fmt, ...) PRINTF(3, 4);

#endif
