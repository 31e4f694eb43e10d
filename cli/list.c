/* pawl list: the jobs this event would create. */
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/list_format.h"
#include "cli/project.h"
#include "cli/screen.h"
#include "pipelines/plan_json.h"

static const struct option_row own_options[] = {
	{ 0, "all", NULL, "also list jobs the event leaves out, each with its reason" },
	{ 0, "json", NULL, "print an array of objects, one to a line" },
	{ 0, "names", NULL, "print only the names, one to a line" },
	{ 0, "hash", NULL, "print only the plan's hash: the same on every machine" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, project_options, NULL };

static void
print_list(const struct plan *plan, const struct args *args)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct screen_options screen = { .fd = STDOUT_FILENO };
	bool all = args_has(args, "all");

	if (args_has(args, "hash")) {
		char hash[PLAN_HASH_SIZE];

		plan_hash(plan, hash);
		buf_printf(&out, "%s\n", hash);
	} else if (args_has(args, "json")) {
		plan_list_json(plan, all, &out);
	} else if (args_has(args, "names")) {
		for (size_t i = 0; i < plan->job_count; i++)
			if (all || plan->jobs[i].created)
				buf_printf(&out, "%s\n", plan->jobs[i].name);
	} else {
		screen_detect(&screen);
		if (!plan->created)
			(void)fprintf(stderr, "pawl: no pipeline for this event: %s\n",
			    plan->why.text);
		if (plan->created || all)
			list_format(plan, all, screen.color, &out);
	}
	(void)fwrite(buf_str(&out), 1, out.len, stdout);
}

static int
run(const struct args *args)
{
	cleanup_project struct project project = PROJECT_INIT;
	struct plan *plan = NULL;
	int rc;

	if (args_count(args) > 0)
		return command_usage_error(
		    args, "%s: list takes no names", args_word(args, 0));
	rc = project_open(&project, args);
	if (rc == EXIT_OK)
		rc = project_compile(&project, &plan);
	if (rc == EXIT_OK)
		print_list(plan, args);
	plan_free(plan);
	return rc;
}

const struct command command_list = {
	.name = "list",
	.usage = "",
	.summary = "list the jobs this event would create",
	.description =
	    "Compiles .gitlab-ci.yml for a push of the current branch, or for the event the options "
	    "describe, and prints the jobs in the order of their stages. Nothing is run.\n\n"
	    "With --json each object has name, stage, when, allow_failure (true, false or exit_codes), "
	    "needs (null: the job waits for the stages before its own), created, why (code, text, at, "
	    "rule, values), tags, image and environment. A job that is left out has created: false and "
	    "when: never.",
	.options = options,
	.run = run,
};
