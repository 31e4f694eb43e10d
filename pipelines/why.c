/* The names of the reasons. */
#include "pipelines/why.h"

static const char *const names[WHY_CODES] = {
	[WHY_NO_RULES] = "no_rules",
	[WHY_RULE_MATCHED] = "rule_matched",
	[WHY_RULE_NEVER] = "rule_never",
	[WHY_NO_RULE_MATCHED] = "no_rule_matched",
	[WHY_ONLY_MATCHED] = "only_matched",
	[WHY_ONLY_REFUSED] = "only_refused",
	[WHY_EXCEPT_REFUSED] = "except_refused",
	[WHY_IMPLICIT_REFUSED] = "implicit_refused",
	[WHY_WORKFLOW_REFUSED] = "workflow_refused",
	[WHY_COMMIT_SKIPS] = "commit_skips",
	[WHY_NO_JOBS] = "no_jobs",
	[WHY_ONLY_EDGE_STAGES] = "only_edge_stages",
};

const char *
why_code_name(enum why_code code)
{
	return (unsigned)code < WHY_CODES ? names[code] : "unknown";
}
