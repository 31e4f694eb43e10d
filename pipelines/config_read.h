/*
 * The readers of single keywords, one group per file config_NAME.c. Each is a value_fn
 * (value.h); the comment says what out points to.
 */
#ifndef PIPELINES_CONFIG_READ_H
#define PIPELINES_CONFIG_READ_H

#include "pipelines/keywords.h"

#define CONFIG_VALUE_FN(name)                                                            \
	void name(struct reader *r, const struct node *n, const void *arg, void *out)

/* config_script.c: struct strs *; arg "script" when it must not be empty. */
CONFIG_VALUE_FN(config_read_script);
CONFIG_VALUE_FN(config_read_hooks);

/* config_image.c: struct image *, struct images *. */
CONFIG_VALUE_FN(config_read_image);
CONFIG_VALUE_FN(config_read_services);

/* config_variables.c: struct config_vars *. arg: const struct variables_kind *. */
struct variables_kind {
	bool maps;    /* {value, expand} is allowed */
	bool prefill; /* and {description, options}: the run form's */
};
extern const struct variables_kind variables_top, variables_job, variables_plain;
CONFIG_VALUE_FN(config_read_variables);

/* config_rules.c: struct rules *; struct auto_cancel *. */
CONFIG_VALUE_FN(config_read_rules);
CONFIG_VALUE_FN(config_read_workflow_rules);
CONFIG_VALUE_FN(config_read_auto_cancel);
/* A rule whose only key is `when`, and not never. */
bool config_rule_is_bare_when(const struct rule *rule);

/* config_only.c: struct ref_policy *. */
CONFIG_VALUE_FN(config_read_policy);

/* config_needs.c: struct needs *; those of a rule may only name jobs. */
CONFIG_VALUE_FN(config_read_needs);
CONFIG_VALUE_FN(config_read_rule_needs);

/* config_artifacts.c: struct artifacts *. */
CONFIG_VALUE_FN(config_read_artifacts);

/* config_cache.c: struct caches *. */
CONFIG_VALUE_FN(config_read_caches);

/* config_environment.c: struct environment *. */
CONFIG_VALUE_FN(config_read_environment);

/* config_trigger.c: struct trigger *. */
CONFIG_VALUE_FN(config_read_trigger);

/* config_outcome.c: struct allow_failure *, struct retry *, const char ** (the regex). */
CONFIG_VALUE_FN(config_read_allow_failure);
CONFIG_VALUE_FN(config_read_retry);
CONFIG_VALUE_FN(config_read_coverage);

/* config_parallel.c: struct parallel *. */
CONFIG_VALUE_FN(config_read_parallel);
/* A list of maps KEY -> scalar or list, as rows of variables: struct parallel *. With an
 * arg it is checked and counted only. */
CONFIG_VALUE_FN(config_read_matrix);

/* config_rare.c: struct inherit *, struct pages *; the rest is checked only. */
CONFIG_VALUE_FN(config_read_inherit);
CONFIG_VALUE_FN(config_read_pages);
CONFIG_VALUE_FN(config_read_resource_group);
CONFIG_VALUE_FN(config_check_release);
CONFIG_VALUE_FN(config_check_secrets);
CONFIG_VALUE_FN(config_check_id_tokens);
CONFIG_VALUE_FN(config_check_dast);
CONFIG_VALUE_FN(config_check_run);

/* config_inputs.c: `spec:` where no header is, and a job's `inputs`. */
CONFIG_VALUE_FN(config_check_spec);
CONFIG_VALUE_FN(config_check_job_inputs);

#endif
