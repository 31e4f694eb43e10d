/* One `$[[ … ]]`: finding it in a text, and what it stands for. */
#ifndef PIPELINES_INTERPOLATE_BLOCK_H
#define PIPELINES_INTERPOLATE_BLOCK_H

#include "pipelines/interpolate.h"

struct block {
	const char *start; /* at "$[[" */
	size_t len;        /* of it all, to the end of "]]" */
	const char *data;  /* what is between, trimmed */
	size_t data_len;
};

/* The next block from text on; false: none before limit. A block stands on one line. */
bool block_find(const char *text, const char *limit, struct block *out);

/* `matrix`, which is not resolved here. */
bool block_is_matrix(const struct block *b);

/* Its value; NULL with a message. */
struct node *block_evaluate(
    const struct interpolation *in, const struct block *b, struct error *err);

#endif
