/* What the repository's state and the options say of the event. */
#include "cli/project_event.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/iso_time.h"
#include "base/str.h"
#include "cli/remote_url.h"
#include "scheduler/merge_request.h"

static bool
has_ref(struct project *p, const char *prefix, const char *name)
{
	cleanup_strlist struct strlist refs = STRLIST_INIT;
	cleanup_free char *full = xasprintf("%s%s", prefix, name);

	if (git_repo_refs(p->repo, prefix, &refs, NULL) < 0)
		return false;
	return strlist_has(&refs, full);
}

/* The branch or tag the event is about. */
static void
choose_ref(struct project *p, const char *wanted)
{
	struct event *e = &p->event;

	if (wanted != NULL && str_starts(wanted, "refs/tags/")) {
		e->is_tag = true;
		wanted += strlen("refs/tags/");
	} else if (wanted != NULL && str_starts(wanted, "refs/heads/")) {
		wanted += strlen("refs/heads/");
	} else if (wanted != NULL) {
		e->is_tag = has_ref(p, "refs/tags/", wanted) &&
		    !has_ref(p, "refs/heads/", wanted);
	} else if (p->facts.branch != NULL) {
		wanted = p->facts.branch;
	} else if (p->facts.tags.count > 0) {
		e->is_tag = true;
		wanted = p->facts.tags.items[p->facts.tags.count - 1];
	} else {
		wanted = "HEAD";
	}
	e->ref = arena_strdup(p->arena, wanted);
	e->default_branch =
	    p->facts.default_branch != NULL ? p->facts.default_branch : e->ref;
	e->ref_is_protected = !e->is_tag && str_eq(e->ref, e->default_branch);
}

/* ---- a name that is not HEAD's -------------------------------------------------------
 */

static void
add_names(struct project *p, const char *prefix, struct strlist *names)
{
	cleanup_strlist struct strlist refs = STRLIST_INIT;

	if (git_repo_refs(p->repo, prefix, &refs, NULL) < 0)
		return;
	for (size_t i = 0; i < refs.count; i++)
		strlist_add(names, refs.items[i] + strlen(prefix));
}

static void
note_unknown_ref(struct project *p)
{
	const struct event *e = &p->event;
	cleanup_strlist struct strlist names = STRLIST_INIT;
	cleanup_free const char **list = NULL;
	const char *near;

	add_names(p, e->is_tag ? "refs/tags/" : "refs/heads/", &names);
	add_names(p, e->is_tag ? "refs/tags/" : "refs/remotes/origin/", &names);
	list = xcalloc(names.count + 1, sizeof(*list));
	for (size_t i = 0; i < names.count; i++)
		list[i] = names.items[i];
	near = str_nearest(e->ref, list);
	(void)fprintf(stderr,
	    "pawl: note: there is no %s \"%s\"%s%s%s; HEAD (%.8s) goes by that name\n",
	    e->is_tag ? "tag" : "branch", e->ref, near != NULL ? " (did you mean \"" : "",
	    near != NULL ? near : "", near != NULL ? "\"?)" : "", e->sha);
}

/* To try rules on a branch that is to come is fine; to do so by mistake shows. */
static void
note_ref(struct project *p)
{
	static const char *const of_branches[] = { "refs/heads/", "refs/remotes/origin/",
		NULL };
	static const char *const of_tags[] = { "refs/tags/", NULL };
	const struct event *e = &p->event;
	const char *const *prefix = e->is_tag ? of_tags : of_branches;
	struct error ignored = ERROR_INIT;
	char sha[GIT_SHA_MAX];

	while (*prefix != NULL && !has_ref(p, *prefix, e->ref))
		prefix++;
	if (*prefix == NULL) {
		note_unknown_ref(p);
	} else {
		cleanup_free char *full = xasprintf("%s%s", *prefix, e->ref);

		if (git_repo_resolve(p->repo, full, sha, &ignored) == 0 &&
		    !str_eq(sha, e->sha))
			(void)fprintf(stderr,
			    "pawl: note: \"%s\" is at %.8s; HEAD (%.8s) goes by that "
			    "name\n",
			    e->ref, sha, e->sha);
	}
}

/* ---- all of it -----------------------------------------------------------------------
 */

/*
 * What a push would have moved: from what origin has of this branch, or, when that is
 * HEAD already, from its parent, as if HEAD were pushed by itself. A root commit and a
 * tag come from nowhere: then every `changes` holds, as for a new branch.
 */
static const char *
previous_commit(struct project *p)
{
	const struct git_facts *f = &p->facts;

	if (p->event.is_tag || f->branch == NULL || !str_eq(p->event.source, "push"))
		return NULL;
	if (f->pushed[0] != '\0' && !str_eq(f->pushed, f->sha))
		return f->pushed;
	return f->parent[0] == '\0' ? NULL : f->parent;
}

/* A folder's name as a project's: GitLab's hold no spaces or other odd characters. */
static char *
project_name(struct project *p)
{
	const char *dir = p->root, *common = git_repo_common_dir(p->repo);
	size_t len = strlen(common);
	char *name;

	/* all work trees of a repository are one project, named by the main one */
	if (len > 5 && str_ends(common, "/.git"))
		dir = arena_strndup(p->arena, common, len - 5);
	name = arena_strdup(p->arena, strrchr(dir, '/') + 1);
	for (char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL)
			*c = '-';
	return name;
}

static void
fill_project(struct project *p)
{
	struct event *e = &p->event;
	struct remote_url url;

	if (p->facts.remote_url != NULL &&
	    remote_url_parse(p->facts.remote_url, p->arena, &url)) {
		e->project_path = url.path;
		e->server_url = arena_printf(p->arena, "https://%s", url.host);
		e->repo_url = p->facts.remote_url;
	} else {
		e->project_path = arena_printf(p->arena, "local/%s", project_name(p));
		e->server_url = "https://localhost";
		e->repo_url = arena_printf(p->arena, "file://%s", p->root);
	}
	e->project_id = 1;
	e->project_visibility = "private";
}

void
project_make_event(struct project *p, const struct args *args)
{
	const char *source = args_value(args, "event");
	struct event *e = &p->event;
	cleanup_free char *author = git_person_text(&p->facts.author);
	cleanup_free char *when = git_person_iso8601(&p->facts.committer);
	char now[ISO_TIME_MAX];

	e->sha = p->facts.sha;
	e->message = p->facts.message;
	e->author = arena_strdup(p->arena, author);
	e->timestamp = arena_strdup(p->arena, when);
	e->source = source != NULL ? source : "push";
	e->config_path = p->path;
	e->created_at = arena_strdup(
	    p->arena, iso_time_write(now, (int64_t)time(NULL) * 1000000, false));
	e->pipeline_id = e->pipeline_iid = 1; /* `pawl run` gives it its own */
	e->user_id = 1;
	e->user_name = p->facts.user_name != NULL ? p->facts.user_name : getenv("USER");
	e->user_email = p->facts.user_email;
	e->user_login = getenv("USER");
	choose_ref(p, args_value(args, "ref"));
	if (args_has(args, "ref"))
		note_ref(p);
	e->before_sha = previous_commit(p);
	fill_project(p);
	p->worktree.before = e->before_sha;
	p->worktree.sha = e->sha;
}

/* ---- merge requests ------------------------------------------------------------------
 */

static void
set_predefined(void *data, const struct var *var)
{
	vars_set(data, var);
}

/* Where the branch left the target is what `changes` compares with, as GitLab does. */
void
project_set_merge_request(struct project *p)
{
	const struct event *e = &p->event;
	char target[GIT_SHA_MAX], base[GIT_SHA_MAX];
	const char *left = NULL;
	struct error ignored = ERROR_INIT;

	if (worktree_resolve_pushed(p->repo, e->default_branch, target, &ignored) == 0 &&
	    git_repo_merge_base(p->repo, target, e->sha, base, &ignored) == 0) {
		left = arena_strdup(p->arena, base);
		p->worktree.before = left;
	}
	merge_request_vars(e, left, p->arena, set_predefined, &p->vars);
}
