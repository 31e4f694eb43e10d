/*
 * The provider of a folder that is in no git repository: its files are what lies in it,
 * and nothing is known of changes. One thread.
 */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include "pipelines/provider.h"

#define FOLDER_MAX_FILES 100000
#define FOLDER_MAX_DEPTH 64

struct folder {
	struct provider provider; /* points back here */
	char *root;
	struct strlist files;
	bool files_known;
};

void folder_init(struct folder *f, const char *root);
void folder_clear(struct folder *f); /* a zeroed one is fine */

#endif
