/*
 * What root alone may read below the folders of a system's settings: keys, passwords.
 * Links libc only.
 */
#ifndef EXECUTORS_PRIVATE_FILES_H
#define EXECUTORS_PRIVATE_FILES_H

#include "base/str.h"

/*
 * Adds the paths of regular files that others may not read, and of folders that others
 * may not enter, below dir; nothing where dir is not there. Links are not followed. Of
 * what is deeper than a system's settings are nothing is known.
 */
void private_files_add(const char *dir, struct strlist *out);

#endif
