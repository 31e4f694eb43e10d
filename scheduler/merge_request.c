/* A merge request nobody wrote. */
#include "scheduler/merge_request.h"

#define DESCRIPTION_MAX 2700 /* GitLab cuts it there, in characters */

struct row {
	const char *name, *value; /* value NULL: does not apply */
	bool raw;                 /* people's words: a `$` in them is a dollar */
};

static bool
is_continued(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the first so many characters. */
static size_t
len_of(const char *text, size_t characters)
{
	size_t len = 0;

	while (text[len] != '\0' && characters-- > 0)
		for (len++; is_continued(text[len]);)
			len++;
	return len;
}

/* The SHAs of the two branches are empty but in pipelines of merged results, which this
 * one is not. Title and description are what GitLab proposes, the commit's own words. */
void
merge_request_vars(const struct event *e, const char *diff_base, struct arena *arena,
    void (*add)(void *data, const struct var *var), void *data)
{
	const char *id = arena_printf(arena, "%" PRId64, e->project_id);
	const char *url = arena_printf(arena, "%s/%s", e->server_url, e->project_path);
	const char *message = e->message != NULL ? e->message : "";
	size_t title = strcspn(message, "\n");
	const char *rest = message + title + strspn(message + title, "\n");
	size_t described = len_of(rest, DESCRIPTION_MAX);
	const struct row rows[] = {
		{ "CI_MERGE_REQUEST_ID", "1" },
		{ "CI_MERGE_REQUEST_IID", "1" },
		{ "CI_MERGE_REQUEST_EVENT_TYPE", "detached" },
		{ "CI_MERGE_REQUEST_REF_PATH", "refs/merge-requests/1/head" },
		{ "CI_MERGE_REQUEST_DIFF_ID", "1" },
		{ "CI_MERGE_REQUEST_DIFF_BASE_SHA", diff_base },
		{ "CI_MERGE_REQUEST_SQUASH_ON_MERGE", "false" },
		{ "CI_MERGE_REQUEST_PROJECT_ID", id },
		{ "CI_MERGE_REQUEST_PROJECT_PATH", e->project_path },
		{ "CI_MERGE_REQUEST_PROJECT_URL", url },
		{ "CI_MERGE_REQUEST_SOURCE_PROJECT_ID", id },
		{ "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", e->project_path },
		{ "CI_MERGE_REQUEST_SOURCE_PROJECT_URL", url },
		{ "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", e->ref },
		{ "CI_MERGE_REQUEST_SOURCE_BRANCH_PROTECTED",
		    e->ref_is_protected ? "true" : "false" },
		{ "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "" },
		{ "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", e->default_branch },
		{ "CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED", "true" },
		{ "CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "" },
		{ "CI_MERGE_REQUEST_TITLE", arena_strndup(arena, message, title), true },
		{ "CI_MERGE_REQUEST_DESCRIPTION", arena_strndup(arena, rest, described),
		    true },
		{ "CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED",
		    rest[described] != '\0' ? "true" : "false" },
		{ "CI_OPEN_MERGE_REQUESTS",
		    arena_printf(arena, "%s!1", e->project_path) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].value != NULL)
			add(data,
			    &(struct var){ .name = rows[i].name,
				.value = rows[i].value,
				.level = VAR_PREDEFINED,
				.raw = rows[i].raw });
}
