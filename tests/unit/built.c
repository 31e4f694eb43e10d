#include "tests/unit/built.h"

#include <check.h>

#include "base/str.h"
#include "pipelines/document.h"

struct built
build_text(const char *yaml, bool shape_only)
{
	struct built b = { .arena = arena_new() };
	struct node **documents = NULL;
	size_t count = 0;

	diags_init(&b.diags, b.arena);
	b.rc = yaml_parse(
	    yaml, strlen(yaml), "ci.yml", b.arena, &b.diags, &documents, &count);
	ck_assert_msg(b.rc == 0 && count == 1, "not one YAML document: %s", yaml);
	b.rc = config_build(documents[0], b.arena, shape_only, &b.diags, &b.config);
	return b;
}

void
built_free(struct built *built)
{
	arena_free(built->arena);
}

char *
built_findings(const struct built *built)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < built->diags.count; i++) {
		diag_format(&built->diags.items[i], &text);
		buf_add_char(&text, '\n');
	}
	return buf_take(&text);
}

const struct job_config *
built_job(const struct built *built, const char *name)
{
	cleanup_free char *findings = built_findings(built);

	ck_assert_msg(built->config != NULL, "no config:\n%s", findings);
	for (size_t i = 0; i < built->config->job_count; i++)
		if (str_eq(built->config->jobs[i].name, name))
			return &built->config->jobs[i];
	ck_abort_msg("no job \"%s\"", name);
	return NULL;
}

char *
strs_text(const struct strs *strs)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < strs->count; i++)
		buf_printf(&text, "%s%s", i > 0 ? "|" : "", strs->items[i]);
	return buf_take(&text);
}
