/* The table is that of web/app.js, and tests/e2e/web/pages/ahead.mjs holds it against
 * what the pages do ask for: what is fetched and not used would only cost. */
#include "scheduler/api/web_ahead.h"

#include <ctype.h>

#include "base/str.h"
#include "scheduler/api/session.h"
#include "web/files.h"

/* "#" is a number; in calls it is that number, and "@" the project. */
static const struct ahead {
	bool of_project;
	const char *rest; /* of the address, after the project and "/-/" */
	const char *files[5], *calls[3];
} pages[] = {
	{ false, "", { "pages/projects.js" },
	    { "/api/pawl/v1/overview?per_page=50&search=&page=1" } },
	{ false, "queue", { "pages/queue.js", "lib/forms.js" }, { NULL } },
	{ false, "runners", { "pages/queue.js", "lib/forms.js" }, { NULL } },
	{ false, "login", { "pages/login.js" }, { NULL } },
	{ false, "settings", { "pages/settings.js", "lib/forms.js" }, { NULL } },
	{ true, "", { "pages/pipelines.js" },
	    { "/api/v4/projects/@",
		"/api/pawl/v1/projects/@/pipelines?per_page=30&page=1" } },
	{ true, "pipelines", { "pages/pipelines.js" },
	    { "/api/v4/projects/@",
		"/api/pawl/v1/projects/@/pipelines?per_page=30&page=1" } },
	{ true, "pipelines/new", { "pages/run.js", "lib/forms.js" }, { NULL } },
	{ true, "settings/ci_cd", { "pages/settings.js", "lib/forms.js" }, { NULL } },
	{ true, "pipelines/#", { "pages/pipeline.js", "lib/graph.js", "lib/forms.js" },
	    { "/api/v4/projects/@", "/api/v4/projects/@/pipelines/#",
		"/api/pawl/v1/projects/@/pipelines/#/graph" } },
	{ true, "jobs/#",
	    { "pages/job.js", "lib/log.js", "lib/log-view.js", "lib/forms.js" },
	    { "/api/v4/projects/@", "/api/v4/projects/@/jobs/#" } },
	{ true, "ci/editor", { "pages/editor.js", "lib/graph.js", "lib/forms.js" },
	    { "/api/v4/projects/@" } },
};

struct address {
	char *project, *rest; /* "group/name" or "", "jobs/12" or "" */
	const char *number;   /* of the rest */
};

/* False: nothing that could be a project's path in an address without more ado. */
static bool
is_plain(const char *path)
{
	for (; *path != '\0'; path++)
		if (!isalnum((unsigned char)*path) && strchr("/-_.", *path) == NULL)
			return false;
	return true;
}

static void
split(struct call *c, struct address *out)
{
	char *path = arena_strdup(c->arena, http_path(c->request) + 1);
	size_t len = strlen(path);
	char *dash;

	if (len > 0 && path[len - 1] == '/')
		path[len - 1] = '\0';
	*out = (struct address){ .project = path, .rest = path + strlen(path) };
	if (str_starts(path, "-/")) {
		out->rest = path + 2;
		*path = '\0';
	} else if ((dash = strstr(path, "/-/")) != NULL) {
		out->rest = dash + 3;
		*dash = '\0';
	}
	out->number = out->rest + strcspn(out->rest, "0123456789");
}

static bool
fits(const struct ahead *page, const struct address *at)
{
	size_t len = strcspn(page->rest, "#");

	if (page->of_project != (*at->project != '\0') ||
	    strncmp(at->rest, page->rest, len) != 0)
		return false;
	if (page->rest[len] == '\0')
		return at->rest[len] == '\0';
	return at->number == at->rest + len && *at->number != '\0' &&
	    strspn(at->number, "0123456789") == strlen(at->number);
}

static void
add_call(struct buf *b, const char *call, const struct address *at)
{
	buf_add_str(b, ", <");
	for (; *call != '\0'; call++)
		if (*call == '@')
			buf_add_url_encoded(b, at->project);
		else if (*call == '#')
			buf_add_str(b, at->number);
		else
			buf_add_char(b, *call);
	buf_add_str(b, ">; rel=preload; as=fetch; crossorigin");
}

static void
add_page(
    struct call *c, const struct ahead *page, const struct address *at, struct buf *b)
{
	/* a query asks for something else first */
	bool is_usual = strchr(http_target(c->request), '?') == NULL;

	for (size_t i = 0; i < ARRAY_LEN(page->files) && page->files[i] != NULL; i++)
		buf_printf(b, ", </-/assets/%s/%s>; rel=modulepreload", web_build,
		    page->files[i]);
	if (!is_usual || session_token(c) == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(page->calls) && page->calls[i] != NULL; i++)
		add_call(b, page->calls[i], at);
}

void
web_ahead(struct call *c)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct address at;

	buf_printf(&b, "</-/assets/%s/app.css>; rel=preload; as=style", web_build);
	if (is_plain(http_path(c->request))) {
		split(c, &at);
		for (size_t i = 0; i < ARRAY_LEN(pages); i++)
			if (fits(&pages[i], &at))
				add_page(c, &pages[i], &at, &b);
	}
	api_header(c, "Link", "%s", buf_str(&b));
}
