/*
 * Where the objects of a workspace's repositories lie: outside of it, since each .git
 * borrows them (gitrepository-layout(5), objects/info/alternates). What encloses a job
 * has to show them.
 */
#ifndef RUNNER_ALTERNATES_H
#define RUNNER_ALTERNATES_H

#include "base/str.h"

/*
 * Append the folders of objects that the repository in dir borrows from, their own
 * lenders and those of its submodules; absolute paths, each once, all existing.
 */
void alternates_list(const char *dir, struct strlist *out);

#endif
