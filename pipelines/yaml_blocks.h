/*
 * `$[[ inputs.x ]]` stands for a value wherever it is, also in `[a, $[[ inputs.b ]]]`,
 * where YAML would take the brackets for a list. So blocks are hidden while YAML is
 * read: their characters become others, as many, so that columns stay true.
 */
#ifndef PIPELINES_YAML_BLOCKS_H
#define PIPELINES_YAML_BLOCKS_H

#include "base/buf.h"

/* The next "$[[" or "]]" from p on; NULL: none before limit. */
const char *yaml_blocks_open(const char *p, const char *limit);
const char *yaml_blocks_close(const char *p, const char *limit);

/* The text with its blocks hidden; false when it has none, and out is left empty. */
bool yaml_blocks_hide(const char *text, size_t len, struct buf *out);

/* The original of a part of that text, in place; returns the new length. */
size_t yaml_blocks_show(char *text, size_t len);

#endif
