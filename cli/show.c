/* pawl show: the configuration as one file, with everything resolved that is no event's.
 */
#include <stdio.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "pipelines/document.h"
#include "pipelines/suggest.h"

static const struct option_row *const options[] = { project_options, NULL };

static int
no_such_key(const struct diags *diags, const struct node *root, const char *name)
{
	(void)fprintf(stderr, "pawl: there is no job or keyword \"%s\"%s\n", name,
	    suggest_key(diags, root, name));
	return EXIT_INVALID;
}

/* The whole, or a map of what is named. */
static int
emit(const struct args *args, const struct node *root, const struct diags *diags,
    struct buf *out)
{
	struct node *named = node_new(diags->arena, NODE_MAP, root->mark);

	for (size_t i = 0; i < args_count(args); i++) {
		const struct node_pair *pair = node_get_pair(root, args_word(args, i));

		if (pair == NULL)
			return no_such_key(diags, root, args_word(args, i));
		node_set(diags->arena, named, pair->key, pair->key_mark, pair->value);
	}
	yaml_emit(args_count(args) > 0 ? named : root, out);
	return EXIT_OK;
}

/* What could be resolved is shown also when there are errors. */
static int
show(const struct project *p, const struct args *args, struct arena *arena)
{
	struct document_options load = { .path = p->path,
		.provider = &p->worktree.provider,
		.vars = &p->vars,
		.inputs = p->inputs };
	cleanup_buf struct buf out = BUF_INIT;
	struct document document = { .root = NULL };
	struct diags diags;
	int loaded, rc;

	diags_init(&diags, arena);
	loaded = document_load(&load, arena, &diags, &document);
	rc = report_diags(&diags);
	if (loaded == 0 && emit(args, document.root, &diags, &out) != EXIT_OK)
		rc = EXIT_INVALID;
	(void)fwrite(buf_str(&out), 1, out.len, stdout);
	return rc;
}

static int
run(const struct args *args)
{
	cleanup_project struct project project = PROJECT_INIT;
	cleanup_arena struct arena *arena = arena_new();
	int rc = project_open(&project, args);

	return rc == EXIT_OK ? show(&project, args, arena) : rc;
}

const struct command command_show = {
	.name = "show",
	.usage = "[JOB…]",
	.summary = "print the configuration with everything resolved, as YAML",
	.description =
	    "Prints .gitlab-ci.yml with its includes merged in and with anchors, inputs, extends and "
	    "!reference resolved: what jobs are made of before defaults, parallel and rules. Jobs, hidden "
	    "ones too, and keywords can be named to see only those.\n\n"
	    "When something cannot be resolved the findings go to standard error, the rest is "
	    "printed, and the exit status is 2.",
	.options = options,
	.run = run,
};
