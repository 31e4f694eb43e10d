/* What both ways of reading a repository do with the words they get. */
#ifndef BASE_GIT_TEXT_H
#define BASE_GIT_TEXT_H

#include "base/base.h"

#define GIT_TEXT_ORIGIN_HEAD "refs/remotes/origin/HEAD"

/*
 * Valid UTF-8 from text in an encoding (NULL: UTF-8), malloced, cut to GIT_MESSAGE_MAX
 * at a character. Bytes that cannot be converted become '?'.
 */
char *git_text_utf8(const char *text, const char *encoding);

/* "refs/remotes/origin/main" to "main", malloced; NULL for anything else. */
char *git_text_origin_branch(const char *ref);

#endif
