/*
 * Why a job is in the plan or not, and how it came to its `when`: for machine and human.
 * Codes are stable strings: tests, scripts and the API read them.
 */
#ifndef PIPELINES_WHY_H
#define PIPELINES_WHY_H

#include "pipelines/node.h"

enum why_code {
	WHY_NO_RULES,     /* no rules, only or except: always there */
	WHY_RULE_MATCHED, /* rules[rule] matched */
	WHY_RULE_NEVER,   /* rules[rule] matched and says never */
	WHY_NO_RULE_MATCHED,
	WHY_ONLY_MATCHED,     /* only/except let it in */
	WHY_ONLY_REFUSED,     /* `only` did not match */
	WHY_EXCEPT_REFUSED,   /* `except` matched */
	WHY_IMPLICIT_REFUSED, /* no rules: the implicit `only: [branches, tags]` does not
				 hold */
	WHY_WORKFLOW_REFUSED, /* workflow:rules decided against a pipeline */
	WHY_COMMIT_SKIPS,     /* the commit message says [ci skip] */
	WHY_NO_JOBS,          /* of a pipeline: every job was left out */
	WHY_ONLY_EDGE_STAGES, /* of a pipeline: all that is left is in .pre and .post */
	WHY_CODES
};

/* A variable whose value decided, for `why`'s "values". */
struct why_value {
	const char *name, *value; /* value NULL: not set */
};

/* What one clause of a rule came to. */
enum why_clause {
	CLAUSE_ABSENT,    /* the rule has none of this kind */
	CLAUSE_NOT_ASKED, /* an earlier clause of the rule did not hold */
	CLAUSE_FALSE,
	CLAUSE_TRUE,
};

struct rule; /* pipelines/config.h */

/* One rule that was looked at. Rules behind the first match are not. */
struct why_step {
	const struct rule *rule;
	enum why_clause cond, changes, exists;
	struct why_value *values; /* what `if` looked at */
	size_t value_count;
};

struct why {
	enum why_code code;
	const char *text; /* one sentence */
	struct mark at;   /* the rule or keyword that decided; the job itself otherwise */
	int rule;         /* index from 0; -1: none */
	struct why_value *values;
	size_t value_count;
	struct why_step *steps; /* in order; the last one decided, if any did */
	size_t step_count;
};

/* Whether every clause of the rule held. */
static inline bool
why_step_matched(const struct why_step *step)
{
	return step->cond != CLAUSE_FALSE && step->changes != CLAUSE_FALSE &&
	    step->exists != CLAUSE_FALSE;
}

const char *why_code_name(enum why_code code); /* "rule_matched" */

#endif
