/* The steps of config_build(), one per file; they share the builder. */
#ifndef PIPELINES_CONFIG_BUILD_H
#define PIPELINES_CONFIG_BUILD_H

#include "pipelines/keywords.h"
#include "pipelines/memo.h"

struct config_builder {
	struct reader reader;
	struct arena *arena;
	struct config *config;
	struct job_draft defaults; /* `default:` and the old top-level keywords */
	struct job_draft **drafts; /* jobs as written, in order, each in the arena */
	size_t draft_count, draft_cap;
	struct map written;   /* name -> struct job_draft * */
	struct memo memo;     /* (node, keyword) -> the field read from it */
	struct memo checked;  /* (list of dependencies, stage) -> looked at already */
	size_t arena_limit;   /* of bytes, while lists are expanded */
	struct map stages;    /* name -> index into config.stages, plus 1 */
	struct map instances; /* name of a parallel instance -> its draft */
	struct map jobs;      /* name -> struct job_config *, after `parallel` */
	bool has_workflow_rules;
};

/* config_job.c: one entry of `default:` or of the old top-level keywords. */
void config_read_default(struct config_builder *b, const struct node_pair *pair);
/* One visible job: its keywords, then the defaults it lacks. */
void config_read_job(struct config_builder *b, const struct node_pair *pair);
/* After all jobs are read: what a job lacks it gets from the defaults. */
void config_finish_job(struct config_builder *b, struct job_draft *draft);

/* config_parallel.c: drafts become config.jobs; needs and dependencies name instances. */
bool config_expand_jobs(struct config_builder *b); /* false after a finding */

/* config_check.c: do the jobs fit together? */
void config_check_jobs(struct config_builder *b);
/* "; did you mean `x`?" when a job has nearly that name, else "". */
const char *config_near_job(struct config_builder *b, const char *name);

/* Whether a's stage comes after b's; false when one of them has an unknown stage, which
 * is a finding already. */
#define CONFIG_NO_STAGE SIZE_MAX
bool config_is_later(const struct job_config *a, const struct job_config *b);

/* config_graph.c: says that there are more needs than allowed */
void config_too_many_needs(struct config_builder *b, struct mark at, size_t count);
/* config_graph.c: needs exist, are not in later stages, and have no cycle. */
void config_check_needs(struct config_builder *b);

#define config_logic_error(b, at, ...)                                                   \
	value_report(&(b)->reader, DIAG_ERROR, DIAG_LOGIC, (at), __VA_ARGS__)

#endif
