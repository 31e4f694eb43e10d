/* Between the parser of expressions and their evaluation. */
#ifndef PIPELINES_EXPR_TREE_H
#define PIPELINES_EXPR_TREE_H

#include "pipelines/expr.h"

enum expr_kind {
	/* operands */
	EXPR_NULL,
	EXPR_TRUE,
	EXPR_FALSE,
	EXPR_STRING,   /* text: between the quotes */
	EXPR_VARIABLE, /* text: the name */
	EXPR_INPUT,    /* text: the name */
	EXPR_PATTERN,  /* text: between the slashes; flags */
	/* operators */
	EXPR_NOT,
	EXPR_EQUAL,
	EXPR_NOT_EQUAL,
	EXPR_MATCH,
	EXPR_NOT_MATCH,
	EXPR_AND,
	EXPR_OR,
	/* tokens that never become a node */
	EXPR_OPEN,
	EXPR_CLOSE,
	EXPR_END,
};

struct expr_token {
	enum expr_kind kind;
	const char *text;
	size_t len;
	unsigned flags;    /* of a pattern */
	const char *start; /* where it stands in the expression */
	size_t length;     /* and how much of it it is */
};

struct expr_node {
	struct expr_token token;
	uint8_t left, right; /* nodes; EXPR_NOT has only left */
};

/* At most one node per token, so trees need no heap. */
struct expr_tree {
	struct expr_node nodes[EXPR_MAX_TOKENS];
	uint8_t count, root;
};

/* The token at s, blanks before it skipped. The regexes may be NULL. */
MUST_CHECK int expr_scan(
    const char *whole, const char *s, struct expr_token *token, struct error *err);

MUST_CHECK int expr_parse(const char *text, struct regex_cache *regexes,
    struct expr_tree *tree, struct error *err);

#endif
