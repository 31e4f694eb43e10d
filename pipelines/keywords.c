/* The table of keywords. */
#include "pipelines/keywords.h"

#include <assert.h>

#include "base/str.h"
#include "pipelines/config_read.h"

static const struct value_limits tags_limits = { .max = 49 };

static const struct value_duration timeout_rule = {
	.positive = true,
	.max_s = INT64_C(30) * 24 * 3600,
	.max_text = "1 month",
};

static const struct value_duration start_in_rule = {
	.positive = true,
	.max_s = INT64_C(7) * 24 * 3600,
	.max_text = "1 week",
};

static const char *const job_whens[] = { "on_success", "on_failure", "always", "manual",
	"delayed", NULL };

static const char *const identities[] = { "google_cloud", NULL };

#define JOB_FIELD(field)                                                                 \
	.offset = offsetof(struct job_draft, job.field),                                 \
	.size = sizeof(((struct job_config *)0)->field)
#define DRAFT_FIELD(field)                                                               \
	.offset = offsetof(struct job_draft, field),                                     \
	.size = sizeof(((struct job_draft *)0)->field)
#define CHECKED_ONLY .offset = VALUE_NOWHERE

#define EVERY_JOB (IN_JOB | IN_TRIGGER)
#define DEFAULTED (IN_DEFAULT | IN_JOB)
#define DEFAULTED_OR_TOP (IN_TOP | IN_DEFAULT | IN_JOB)

const struct keyword_row keywords[KW_COUNT] = {
	[KW_AFTER_SCRIPT] = { "after_script", DEFAULTED_OR_TOP, config_read_script,
	    JOB_FIELD(after_script) },
	[KW_ALLOW_FAILURE] = { "allow_failure", EVERY_JOB, config_read_allow_failure,
	    JOB_FIELD(allow_failure) },
	[KW_ARTIFACTS] = { "artifacts", DEFAULTED, config_read_artifacts,
	    JOB_FIELD(artifacts) },
	[KW_BEFORE_SCRIPT] = { "before_script", DEFAULTED_OR_TOP, config_read_script,
	    JOB_FIELD(before_script) },
	[KW_CACHE] = { "cache", DEFAULTED_OR_TOP, config_read_caches, JOB_FIELD(caches) },
	[KW_COVERAGE] = { "coverage", IN_JOB, config_read_coverage, JOB_FIELD(coverage) },
	[KW_DAST_CONFIGURATION] = { "dast_configuration", IN_JOB, config_check_dast,
	    CHECKED_ONLY },
	[KW_DEFAULT] = { "default", IN_TOP },
	[KW_DEPENDENCIES] = { "dependencies", IN_JOB, value_strings,
	    JOB_FIELD(dependencies) },
	[KW_ENVIRONMENT] = { "environment", EVERY_JOB, config_read_environment,
	    JOB_FIELD(environment) },
	[KW_EXCEPT] = { "except", EVERY_JOB, config_read_policy, JOB_FIELD(except) },
	[KW_EXTENDS] = { "extends", EVERY_JOB, value_one_or_strings, CHECKED_ONLY },
	[KW_HOOKS] = { "hooks", DEFAULTED, config_read_hooks,
	    JOB_FIELD(pre_get_sources) },
	[KW_ID_TOKENS] = { "id_tokens", DEFAULTED, config_check_id_tokens,
	    JOB_FIELD(id_tokens) },
	[KW_IDENTITY] = { "identity", DEFAULTED, value_choice, JOB_FIELD(identity),
	    .arg = identities },
	[KW_IMAGE] = { "image", DEFAULTED_OR_TOP, config_read_image, JOB_FIELD(image) },
	[KW_INCLUDE] = { "include", IN_TOP },
	[KW_INHERIT] = { "inherit", EVERY_JOB, config_read_inherit,
	    DRAFT_FIELD(inherit) },
	[KW_INPUTS] = { "inputs", IN_JOB, config_check_job_inputs, CHECKED_ONLY },
	[KW_INTERRUPTIBLE] = { "interruptible", DEFAULTED | IN_TRIGGER, value_bool,
	    JOB_FIELD(interruptible) },
	[KW_MANUAL_CONFIRMATION] = { "manual_confirmation", EVERY_JOB, value_string,
	    JOB_FIELD(manual_confirmation) },
	[KW_NEEDS] = { "needs", EVERY_JOB, config_read_needs, JOB_FIELD(needs) },
	[KW_ONLY] = { "only", EVERY_JOB, config_read_policy, JOB_FIELD(only) },
	[KW_PAGES] = { "pages", IN_JOB, config_read_pages, DRAFT_FIELD(pages) },
	[KW_PARALLEL] = { "parallel", EVERY_JOB, config_read_parallel,
	    DRAFT_FIELD(parallel) },
	[KW_PUBLISH] = { "publish", IN_JOB, value_word, DRAFT_FIELD(pages.publish) },
	[KW_RELEASE] = { "release", IN_JOB, config_check_release, CHECKED_ONLY },
	[KW_RESOURCE_GROUP] = { "resource_group", EVERY_JOB, config_read_resource_group,
	    JOB_FIELD(resource_group) },
	[KW_RETRY] = { "retry", DEFAULTED, config_read_retry, JOB_FIELD(retry) },
	[KW_RULES] = { "rules", EVERY_JOB, config_read_rules, JOB_FIELD(rules) },
	[KW_RUN] = { "run", IN_JOB, config_check_run, CHECKED_ONLY },
	[KW_SCRIPT] = { "script", IN_JOB, config_read_script, JOB_FIELD(script),
	    .arg = "script" },
	[KW_SECRETS] = { "secrets", IN_JOB, config_check_secrets, CHECKED_ONLY },
	[KW_SERVICES] = { "services", DEFAULTED_OR_TOP, config_read_services,
	    JOB_FIELD(services) },
	[KW_SPEC] = { "spec", IN_TOP },
	[KW_STAGE] = { "stage", EVERY_JOB, value_word, JOB_FIELD(stage) },
	[KW_STAGES] = { "stages", IN_TOP },
	[KW_START_IN] = { "start_in", IN_JOB, value_duration, JOB_FIELD(start_in_s),
	    .arg = &start_in_rule },
	[KW_TAGS] = { "tags", DEFAULTED, value_nested_strings, JOB_FIELD(tags),
	    .arg = &tags_limits },
	[KW_TIMEOUT] = { "timeout", DEFAULTED, value_duration, JOB_FIELD(timeout_s),
	    .arg = &timeout_rule },
	[KW_TRIGGER] = { "trigger", EVERY_JOB, config_read_trigger, JOB_FIELD(trigger) },
	[KW_VARIABLES] = { "variables", IN_TOP | EVERY_JOB, config_read_variables,
	    JOB_FIELD(variables), .arg = &variables_job },
	[KW_WHEN] = { "when", EVERY_JOB, value_enum, JOB_FIELD(when), .arg = job_whens },
	[KW_WORKFLOW] = { "workflow", IN_TOP },
};

enum keyword
keyword_find(const char *name)
{
	size_t low = 0, high = KW_COUNT;

	while (low < high) { /* the rows are sorted by name */
		size_t mid = (low + high) / 2;
		int order = strcmp(name, keywords[mid].name);

		if (order == 0)
			return (enum keyword)mid;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return KW_NONE;
}

const char *const *
keyword_names(struct arena *a, unsigned where)
{
	const char **names = arena_calloc(a, KW_COUNT + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < KW_COUNT; i++)
		if (keywords[i].where & where)
			names[n++] = keywords[i].name;
	return names;
}
