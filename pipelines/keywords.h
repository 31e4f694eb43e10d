/*
 * The keywords of the language as a table: where each may stand, who reads it, and which
 * field of a job it fills. Unknown keys, what `default:` may hold, what a trigger job may
 * have and how defaults reach a job all come from these rows.
 * Source: gitlab-ci-language.md sections 2 and 6.
 */
#ifndef PIPELINES_KEYWORDS_H
#define PIPELINES_KEYWORDS_H

#include "pipelines/value.h"

enum keyword {
	KW_AFTER_SCRIPT,
	KW_ALLOW_FAILURE,
	KW_ARTIFACTS,
	KW_BEFORE_SCRIPT,
	KW_CACHE,
	KW_COVERAGE,
	KW_DAST_CONFIGURATION,
	KW_DEFAULT,
	KW_DEPENDENCIES,
	KW_ENVIRONMENT,
	KW_EXCEPT,
	KW_EXTENDS,
	KW_HOOKS,
	KW_ID_TOKENS,
	KW_IDENTITY,
	KW_IMAGE,
	KW_INCLUDE,
	KW_INHERIT,
	KW_INPUTS,
	KW_INTERRUPTIBLE,
	KW_MANUAL_CONFIRMATION,
	KW_NEEDS,
	KW_ONLY,
	KW_PAGES,
	KW_PARALLEL,
	KW_PUBLISH,
	KW_RELEASE,
	KW_RESOURCE_GROUP,
	KW_RETRY,
	KW_RULES,
	KW_RUN,
	KW_SCRIPT,
	KW_SECRETS,
	KW_SERVICES,
	KW_SPEC,
	KW_STAGE,
	KW_STAGES,
	KW_START_IN,
	KW_TAGS,
	KW_TIMEOUT,
	KW_TRIGGER,
	KW_VARIABLES,
	KW_WHEN,
	KW_WORKFLOW,
	KW_COUNT,
	KW_NONE = KW_COUNT,
};

enum keyword_place {
	IN_TOP = 1,
	IN_DEFAULT = 2,
	IN_JOB = 4,
	IN_TRIGGER = 8, /* a job with `trigger` */
};

/* `inherit:default`, `inherit:variables` */
struct inherit_choice {
	bool none, some; /* neither: all */
	struct strs names;
};

struct inherit {
	struct inherit_choice defaults, variables;
};

/* `parallel` */
struct parallel {
	int total;                /* of `parallel: N`; 0: none or a matrix */
	struct config_vars *rows; /* of a matrix: the variables of each instance */
	size_t row_count;
};

struct pages {
	bool off; /* pages: false */
	bool on;  /* true or a map */
	const char *publish;
};

/* A job as written, before defaults and `parallel` make the concrete ones. */
struct job_draft {
	struct job_config job;
	uint64_t set; /* bit 1 << enum keyword: given, and not null */
	struct inherit inherit;
	struct parallel parallel;
	struct pages pages;
	struct strs instances; /* names, once `parallel` is expanded */
};

struct keyword_row {
	const char *name;
	unsigned where; /* enum keyword_place */
	value_fn read;  /* NULL: not a job's */
	size_t offset;  /* of its target in struct job_draft, or VALUE_NOWHERE */
	size_t size;    /* of that target */
	const void *arg;
};

extern const struct keyword_row keywords[KW_COUNT];

enum keyword keyword_find(const char *name);

static inline uint64_t
keyword_bit(enum keyword k)
{
	return UINT64_C(1) << k;
}

static inline bool
keyword_is_set(const struct job_draft *draft, enum keyword k)
{
	return (draft->set & keyword_bit(k)) != 0;
}

/* Names allowed there, ending with NULL, for suggestions; in the arena. */
const char *const *keyword_names(struct arena *a, unsigned where);

#endif
