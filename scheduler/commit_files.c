/* Files and changes of commits in bare repositories, for the compiler. */
#include "scheduler/commit_files.h"

#include "base/path.h"
#include "scheduler/repos.h"

/* The repository of an included project. */
static int
open_other(
    struct commit_files *f, const char *project, struct git_repo **out, struct error *err)
{
	cleanup_free char *dir = NULL;
	cleanup_free char *clean = path_clean(project);
	struct error why = ERROR_INIT;

	*out = map_get(&f->others, project);
	if (*out != NULL)
		return 0;
	if (clean == NULL || !str_eq(clean, project))
		return error_set(err, ERR_INVALID, "%s is no path of a project", project);
	dir = repo_dir(f->repos_dir, project);
	if (git_repo_open_bare(dir, out, &why) < 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "there is no project %s on this server", project);
	map_set(&f->others, project, *out);
	return 0;
}

/* The commit meant by ref in that project: as pinned, or as it is now, and pinned. */
static int
pin(struct commit_files *f, struct git_repo *repo, const char *project, const char *ref,
    const char **sha, struct error *err)
{
	struct recipe *r = f->recipe;
	char found[GIT_SHA_MAX];

	for (size_t i = 0; i < r->pin_count; i++) {
		const struct recipe_pin *p = &r->pins[i];

		if (str_eq(p->project, project) &&
		    str_eq(p->ref != NULL ? p->ref : "", ref != NULL ? ref : "")) {
			*sha = p->sha;
			return 0;
		}
	}
	if (git_repo_resolve(repo, ref != NULL ? ref : "HEAD", found, err) < 0)
		return error_set(err, ERR_MISSING, "project %s has no ref %s", project,
		    ref != NULL ? ref : "HEAD");
	recipe_add_pin(r, project, ref, found);
	*sha = r->pins[r->pin_count - 1].sha;
	return 0;
}

static int
locate(struct commit_files *f, const char *project, const char *ref,
    struct git_repo **repo, const char **sha, struct error *err)
{
	*repo = f->repo;
	*sha = f->recipe->event.sha;
	if (project == NULL && *sha == NULL)
		return error_set(err, ERR_MISSING, "the project has no commit yet");
	if (project == NULL)
		return 0;
	if (open_other(f, project, repo, err) < 0)
		return err->code;
	return pin(f, *repo, project, ref, sha, err);
}

static int
read_file(void *data, const char *project, const char *ref, const char *path, size_t max,
    struct buf *out, struct error *err)
{
	struct commit_files *f = data;
	const char *inner = path + strspn(path, "/"), *sha;
	cleanup_free char *clean = path_clean(inner);
	struct git_repo *repo;
	int rc;

	for (size_t i = 0; project == NULL && i < f->recipe->file_count; i++) {
		const struct recipe_file *file = &f->recipe->files[i];

		if (str_eq(file->path, inner)) {
			buf_add_str(out, file->text);
			return 0;
		}
	}
	if (clean == NULL)
		return error_set(err, ERR_MISSING, "%s leads out of the project", path);
	if (locate(f, project, ref, &repo, &sha, err) < 0)
		return err->code;
	rc = git_repo_blob(repo, sha, clean, max, out, err);
	if (rc == ERR_MISSING)
		return error_set(err, ERR_MISSING, "%s does not exist", path);
	return rc < 0 ? error_wrap(err, "%s", path) : 0;
}

static struct strlist *
new_list(struct commit_files *f, const char *key)
{
	struct strlist *list = xcalloc(1, sizeof(*list));

	map_set(&f->lists, key, list);
	return list;
}

static int
list_files(void *data, const char *project, const char *ref, const struct strlist **out,
    struct error *err)
{
	struct commit_files *f = data;
	cleanup_free char *key = NULL;
	struct git_repo *repo;
	struct strlist *list;
	const char *sha;

	if (locate(f, project, ref, &repo, &sha, err) < 0)
		return err->code;
	key = xasprintf("files:%s:%s", project != NULL ? project : "", sha);
	list = map_get(&f->lists, key);
	if (list == NULL) {
		list = new_list(f, key);
		if (git_repo_files_at(repo, sha, list, err) < 0)
			return error_wrap(err, "cannot list the files of %s", sha);
	}
	*out = list;
	return 0;
}

static int
find_changes(struct commit_files *f, const char *compare_to, struct strlist *list,
    struct error *err)
{
	const struct event *e = &f->recipe->event;
	char sha[GIT_SHA_MAX];

	if (compare_to == NULL)
		return git_repo_changed(f->repo, e->before_sha, e->sha, false, list, err);
	if (git_repo_resolve(f->repo, compare_to, sha, err) < 0)
		return ERR_MISSING;
	return git_repo_changed(f->repo, sha, e->sha, true, list, err);
}

static int
list_changed(void *data, const char *compare_to, bool *known, const struct strlist **out,
    struct error *err)
{
	struct commit_files *f = data;
	cleanup_free char *key =
	    xasprintf("changed:%s", compare_to != NULL ? compare_to : "");
	struct strlist *list = map_get(&f->lists, key);
	int rc;

	*known = compare_to != NULL || f->recipe->event.before_sha != NULL;
	if (!*known)
		return 0;
	if (list == NULL) {
		list = new_list(f, key);
		rc = find_changes(f, compare_to, list, err);
		if (rc < 0) { /* another asker gets the same answer */
			map_remove(&f->lists, key);
			strlist_clear(list);
			free(list);
			return rc == ERR_MISSING
			    ? rc
			    : error_wrap(err, "cannot compare commits");
		}
	}
	*out = list;
	return 0;
}

int
commit_files_open(struct commit_files *f, struct recipe *recipe, const char *repos_dir,
    struct error *err)
{
	cleanup_free char *dir = repo_dir(repos_dir, recipe->event.project_path);

	*f = (struct commit_files){ .recipe = recipe, .repos_dir = repos_dir };
	f->provider = (struct provider){ f, read_file, list_files, list_changed };
	return git_repo_open_bare(dir, &f->repo, err);
}

void
commit_files_close(struct commit_files *f)
{
	map_for_each(o, &f->others) {
		git_repo_close(o->value);
	}
	map_for_each(l, &f->lists) {
		strlist_clear(l->value);
		free(l->value);
	}
	map_clear(&f->others);
	map_clear(&f->lists);
	git_repo_close(f->repo);
}
