/* What the language has and pawl has not: a job that asks for it must not seem to pass.
 */
#include "pipelines/config.h"

static const struct config_refusal refusals[] = {
	{ "run",
	    "this job has `run:` steps, which pawl does not run; say the same as a "
	    "`script:`" },
	{ "secrets",
	    "this job has `secrets:`, which pawl does not fetch, so their variables would "
	    "be missing; keep them as masked variables of the project" },
	{ "id_tokens",
	    "this job has `id_tokens:`, which pawl does not issue, so their variables "
	    "would be missing; inherit:default leaves out those of `default`" },
	{ "release",
	    "this job has `release:`, and pawl makes no releases; make it in the "
	    "`script:`" },
};

const struct config_refusal *
config_refused(const struct job_config *job)
{
	if (job->trigger.present) /* has those of `default` at the most, and no script */
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const char *keyword = refusals[i].keyword;
		const struct node *n = strcmp(keyword, "id_tokens") == 0
		    ? job->id_tokens
		    : node_get(job->node, keyword);

		if (!node_is_null(n) && n->count > 0)
			return &refusals[i];
	}
	return NULL;
}
