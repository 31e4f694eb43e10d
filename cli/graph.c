/* pawl graph: the jobs of a pipeline and what they wait for, as a picture. */
#include "pipelines/graph.h"

#include <stdio.h>

#include "cli/commands.h"
#include "cli/project.h"

static const struct option_row own_options[] = {
	{ 0, "format", "FORMAT", "text (default), dot, mermaid or svg" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, project_options, NULL };

static int
run(const struct args *args)
{
	cleanup_project struct project project = PROJECT_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	const char *name = args_value(args, "format");
	enum graph_format format = GRAPH_TEXT;
	struct plan *plan = NULL;
	int rc;

	if (name != NULL && !graph_format_parse(name, &format))
		return command_usage_error(
		    args, "--format %s: wanted text, dot, mermaid or svg", name);
	if (args_count(args) > 0)
		return command_usage_error(
		    args, "%s: graph takes no names", args_word(args, 0));
	rc = project_open(&project, args);
	if (rc == EXIT_OK)
		rc = project_compile(&project, &plan);
	if (rc == EXIT_OK && !plan->created)
		(void)fprintf(
		    stderr, "pawl: no pipeline for this event: %s\n", plan->why.text);
	if (rc == EXIT_OK)
		graph_write(plan, format, &out);
	(void)fwrite(buf_str(&out), 1, out.len, stdout);
	plan_free(plan);
	return rc;
}

const struct command command_graph = {
	.name = "graph",
	.usage = "",
	.summary = "show the jobs and what they wait for",
	.description =
	    "Prints the jobs by stage with arrows to the jobs they need: as text for a terminal, or for "
	    "Graphviz (dot), for Markdown (mermaid) or as a picture of its own (svg).",
	.options = options,
	.run = run,
};
