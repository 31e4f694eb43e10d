/* What both ways of reading a repository do with the words they get. */
#ifndef BASE_GIT_TEXT_H
#define BASE_GIT_TEXT_H

#include "base/base.h"

#define GIT_TEXT_ORIGIN_HEAD "refs/remotes/origin/HEAD"

/*
 * text (NULL: "") as valid UTF-8, malloced, cut to GIT_MESSAGE_MAX at a character. Bytes
 * that belong to none become '?'.
 */
char *git_text_utf8(const char *text);

/* "refs/remotes/origin/main" to "main", malloced; NULL for anything else. */
char *git_text_origin_branch(const char *ref);

#endif
