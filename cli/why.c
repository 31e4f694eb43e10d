/* pawl why: why a job is in the pipeline or not, and when it runs. */
#include <stdio.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "pipelines/why_text.h"

static const struct option_row *const options[] = { project_options, NULL };

/* Every job of that name: one, or the instances of a parallel job. Returns how many. */
static size_t
explain(const struct plan *plan, const char *name, struct buf *out)
{
	size_t found = 0;

	for (size_t i = 0; i < plan->job_count; i++) {
		const struct plan_job *job = &plan->jobs[i];

		if (!str_eq(job->name, name) && !str_eq(job->config->base_name, name))
			continue;
		if (out->len > 0)
			buf_add_char(out, '\n');
		why_explain(plan, job, out);
		found++;
	}
	return found;
}

static int
no_such_job(const struct plan *plan, const char *name)
{
	const char **names = xcalloc(plan->job_count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < plan->job_count; i++)
		names[i] = plan->jobs[i].name;
	near = str_nearest(name, names);
	if (near != NULL)
		(void)fprintf(stderr,
		    "pawl: there is no job \"%s\"; did you mean \"%s\"?\n", name, near);
	else
		(void)fprintf(stderr,
		    "pawl: there is no job \"%s\"; `pawl list --all` shows them\n", name);
	free(names);
	return EXIT_INVALID;
}

static int
explain_all(const struct plan *plan, const struct args *args, struct buf *out)
{
	if (args_count(args) == 0)
		why_explain_pipeline(plan, out);
	for (size_t i = 0; i < args_count(args); i++)
		if (explain(plan, args_word(args, i), out) == 0)
			return no_such_job(plan, args_word(args, i));
	return EXIT_OK;
}

static int
run(const struct args *args)
{
	cleanup_project struct project project = PROJECT_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct plan *plan = NULL;
	int rc = project_open(&project, args);

	if (rc == EXIT_OK)
		rc = project_compile(&project, &plan);
	if (rc == EXIT_OK)
		rc = explain_all(plan, args, &out);
	(void)fwrite(buf_str(&out), 1, out.len, stdout);
	plan_free(plan);
	return rc;
}

const struct command command_why = {
	.name = "why",
	.usage = "[JOB…]",
	.summary = "tell why a job is in the pipeline or not",
	.description =
	    "Prints, for each job named, every rule that was looked at with its place in the file, what "
	    "it came to and the values that decided; then what the job waits for and whose artifacts it "
	    "gets. The name of a parallel job stands for all its instances.\n\n"
	    "Without a name it tells why there is a pipeline or not.",
	.options = options,
	.run = run,
};
