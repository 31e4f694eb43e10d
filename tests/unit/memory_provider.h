/*
 * Files and changes out of memory, for whatever asks a provider. A table row with a NULL
 * path ends it; rows of another project or ref name them.
 */
#ifndef TESTS_UNIT_MEMORY_PROVIDER_H
#define TESTS_UNIT_MEMORY_PROVIDER_H

#include "pipelines/provider.h"

struct memory_file {
	const char *path, *text;
	const char *project, *ref; /* NULL: the project being compiled */
};

struct memory_provider {
	struct provider provider; /* .data is the memory_provider itself */
	const struct memory_file *files;
	const char *const *changes; /* ends with NULL; NULL itself: not known */
	const char *compare_ref;    /* the one ref compare_to may name */
	struct strlist listed, changed;
};

/* files and changes must outlive it. */
void memory_provider_init(struct memory_provider *m, const struct memory_file *files);
void memory_provider_clear(struct memory_provider *m);

#endif
