/* Branches, as the repository has them. */
#include <strings.h>

#include "base/git.h"
#include "base/str.h"
#include "protocol/json.h"
#include "scheduler/api/listing.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

static void
add_branch(struct reading *r, struct git_repo *repo, const char *ref)
{
	const char *name = ref + strlen("refs/heads/");
	struct json_writer *w = &r->writer;
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;
	cleanup_free char *when = NULL;
	struct error ignored = ERROR_INIT;

	if (git_repo_commit(repo, ref, &f, &ignored) < 0)
		return;
	when = git_person_iso8601(&f.committer);
	json_begin_object(w);
	json_put_string(w, "name", name);
	json_put_bool(w, "default",
	    r->project.default_branch != NULL && str_eq(name, r->project.default_branch));
	json_put_bool(w, "protected", service_is_protected(&r->project, name, false));
	json_key(w, "commit");
	json_begin_object(w);
	json_put_string(w, "id", f.sha);
	json_put_string(w, "short_id", arena_strndup(r->arena, f.sha, 8));
	json_put_string(
	    w, "title", arena_strndup(r->arena, f.message, strcspn(f.message, "\n")));
	json_put_string(w, "message", f.message);
	json_put_string(w, "author_name", f.author.name);
	json_put_string(w, "author_email", f.author.email);
	json_put_string(w, "committed_date", when);
	json_end_object(w);
	json_end_object(w);
}

/* "^feat" begins, "fix$" ends, anything else is somewhere in it; NULL fits all. */
static bool
fits(const char *name, const char *search)
{
	size_t len = search == NULL ? 0 : strlen(search), have = strlen(name);

	if (len == 0)
		return true;
	if (search[0] == '^')
		return strncasecmp(name, search + 1, len - 1) == 0;
	if (search[len - 1] == '$')
		return have >= len - 1 &&
		    strncasecmp(name + have - (len - 1), search, len - 1) == 0;
	return strcasestr(name, search) != NULL;
}

static int
read_branches(struct store_view *v UNUSED, struct reading *r, struct error *err)
{
	cleanup_free char *dir =
	    repo_dir(service_repos_dir(r->call->service), r->project.path);
	cleanup_git_repo struct git_repo *repo = NULL;
	cleanup_strlist struct strlist refs = STRLIST_INIT;

	if (git_repo_open_bare(dir, &repo, err) < 0 ||
	    git_repo_refs(repo, "refs/heads/", &refs, err) < 0)
		return err->code;
	json_begin_array(&r->writer);
	for (size_t i = 0; i < refs.count; i++)
		if (fits(refs.items[i] + strlen("refs/heads/"), r->data) &&
		    reading_takes(r))
			add_branch(r, repo, refs.items[i]);
	json_end_array(&r->writer);
	return 0;
}

static void
list_branches(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct reading *r;

	if (p == NULL)
		return;
	r = reading_of_project(c, p, true);
	r->data = query_text(c, "search");
	reading_start(r, read_branches);
}

static int
read_branch(struct store_view *v UNUSED, struct reading *r, struct error *err)
{
	cleanup_free char *dir =
	    repo_dir(service_repos_dir(r->call->service), r->project.path);
	cleanup_git_repo struct git_repo *repo = NULL;

	if (git_repo_open_bare(dir, &repo, err) < 0)
		return err->code;
	add_branch(r, repo, r->text);
	if (r->body.len == 0) {
		r->status = 404;
		error_body_write("404 Branch Not Found", &r->body);
	}
	return 0;
}

/* A name with slashes comes encoded, as GitLab wants it, or as it is. */
static void
get_branch(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct reading *r;

	if (p == NULL)
		return;
	r = reading_of_project(c, p, false);
	r->text = arena_printf(r->arena, "refs/heads/%s", c->params[1]);
	reading_start(r, read_branch);
}

const struct api_route api_branch_routes[] = {
	{ "GET", "/api/v4/projects/:id/repository/branches", API_READ, list_branches },
	{ "GET", "/api/v4/projects/:id/repository/branches/*branch", API_READ,
	    get_branch },
	{ NULL },
};
