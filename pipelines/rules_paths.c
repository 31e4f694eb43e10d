/*
 * rules:changes and rules:exists. Many jobs ask the same, so answers are remembered by
 * the clause's expanded text; and a glob is only held against the paths that begin like
 * it, found by bisection in the sorted list.
 */
#include "base/glob.h"
#include "pipelines/expand.h"
#include "pipelines/rules.h"

/* values in rules_context.clauses */
#define ANSWER_NO ((uintptr_t)1)
#define ANSWER_YES ((uintptr_t)2)

static struct strs
expand_paths(struct rules_context *ctx, const struct strs *paths, const struct vars *vars)
{
	struct strs out = { .count = paths->count };

	out.items = arena_calloc(ctx->arena, paths->count, sizeof(*out.items));
	for (size_t i = 0; i < paths->count; i++)
		out.items[i] =
		    expand_deep(vars, ctx->arena, paths->items[i], EXPAND_KEEP);
	return out;
}

/* What a clause asks, as one text: no field can hold a newline that would forge another,
 * since each begins with its length. */
static void
clause_key(struct buf *key, const char *kind, const char *where, const char *ref,
    const struct strs *globs)
{
	buf_printf(key, "%s %zu:%s %zu:%s", kind, strlen(where), where, strlen(ref), ref);
	for (size_t i = 0; i < globs->count; i++)
		buf_printf(key, " %zu:%s", strlen(globs->items[i]), globs->items[i]);
}

static bool
recall(const struct rules_context *ctx, const struct buf *key, bool *out)
{
	uintptr_t answer = (uintptr_t)map_get(&ctx->clauses, buf_str(key));

	*out = answer == ANSWER_YES;
	return answer != 0;
}

static void
remember(struct rules_context *ctx, const struct buf *key, bool answer)
{
	map_set(&ctx->clauses, buf_str(key), (void *)(answer ? ANSWER_YES : ANSWER_NO));
}

/* The first index whose path is not before prefix. */
static size_t
lower_bound(const struct strlist *paths, const char *prefix, size_t len)
{
	size_t low = 0, high = paths->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strncmp(paths->items[mid], prefix, len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Whether one of the folders path lies in fits. */
static bool
folder_fits(const struct glob *glob, const char *path)
{
	cleanup_free char *folder = xstrdup(path);

	for (char *slash = strrchr(folder, '/'); slash != NULL;
	     slash = strrchr(folder, '/')) {
		*slash = '\0';
		if (glob_fits(glob, folder))
			return true;
	}
	return false;
}

/* paths sorted bytewise. `dir/` asks for a folder: something has to lie in it. */
static bool
any_path_fits(const struct strlist *paths, const char *pattern)
{
	size_t len = strlen(pattern), prefix = glob_literal_prefix(pattern);
	bool wants_folder = len > 1 && pattern[len - 1] == '/';
	cleanup_free char *text = xstrndup(pattern, len - wants_folder);
	cleanup_glob struct glob *glob = NULL;
	size_t i = lower_bound(paths, pattern, prefix);

	if (glob_is_literal(pattern))
		return i < paths->count &&
		    (wants_folder ? strncmp(paths->items[i], pattern, len)
				  : strcmp(paths->items[i], pattern)) == 0;
	glob = glob_new(text, GLOB_FNMATCH);
	for (; i < paths->count && strncmp(paths->items[i], pattern, prefix) == 0; i++)
		if (wants_folder ? folder_fits(glob, paths->items[i])
				 : glob_fits(glob, paths->items[i]))
			return true;
	return false;
}

/* GitLab gives up, and says yes, by the product of both counts. */
static bool
changes_fit(const struct strlist *paths, const struct strs *globs)
{
	if (paths->count > 0 && globs->count > RULES_MAX_COMPARISONS / paths->count)
		return true;
	for (size_t i = 0; i < globs->count; i++)
		if (any_path_fits(paths, globs->items[i]))
			return true;
	return false;
}

/* Here it looks up literal paths first, and counts only comparisons with patterns. */
static bool
exists_fits(const struct strlist *paths, const struct strs *globs)
{
	size_t comparisons = 0;

	for (size_t i = 0; i < globs->count; i++)
		if (glob_is_literal(globs->items[i]) &&
		    any_path_fits(paths, globs->items[i]))
			return true;
	for (size_t i = 0; i < globs->count; i++) {
		if (glob_is_literal(globs->items[i]))
			continue;
		comparisons += paths->count;
		if (comparisons > RULES_MAX_COMPARISONS ||
		    any_path_fits(paths, globs->items[i]))
			return true;
	}
	return false;
}

/* Changed paths come from a diff, in its order. */
static bool
changes_fit_any_order(const struct strlist *changed, const struct strs *globs)
{
	cleanup_strlist struct strlist sorted = STRLIST_INIT;

	for (size_t i = 0; i < changed->count; i++)
		strlist_add(&sorted, changed->items[i]);
	strlist_sort(&sorted);
	return changes_fit(&sorted, globs);
}

int
rules_changes_hold(struct rules_context *ctx, const struct rule_paths *changes,
    const struct vars *vars, bool *out, struct error *err)
{
	cleanup_buf struct buf key = BUF_INIT;
	const char *compare_to =
	    expand_deep(vars, ctx->arena, changes->compare_to, EXPAND_KEEP);
	struct strs globs = expand_paths(ctx, &changes->paths, vars);
	const struct strlist *changed = NULL;
	bool known = false;
	int rc;

	clause_key(&key, "changes", "", compare_to == NULL ? "" : compare_to, &globs);
	if (recall(ctx, &key, out))
		return 0;
	rc = ctx->provider->changed(
	    ctx->provider->data, compare_to, &known, &changed, err);
	if (rc == ERR_MISSING)
		return error_set(err, rc,
		    "rules:changes:compare_to is not a valid ref: there is no branch, tag or commit \"%s\"",
		    compare_to == NULL ? "" : compare_to);
	if (rc < 0)
		return error_wrap(err, "rules:changes");
	*out = !known || changed == NULL || changes_fit_any_order(changed, &globs);
	remember(ctx, &key, *out);
	return 0;
}

int
rules_exists_hold(struct rules_context *ctx, const struct rule_paths *exists,
    const struct vars *vars, bool *out, struct error *err)
{
	cleanup_buf struct buf key = BUF_INIT;
	const char *project = expand_deep(vars, ctx->arena, exists->project, EXPAND_KEEP);
	const char *ref = expand_deep(vars, ctx->arena, exists->ref, EXPAND_KEEP);
	struct strs globs = expand_paths(ctx, &exists->paths, vars);
	const struct strlist *files = NULL;

	clause_key(&key, "exists", project == NULL ? "" : project, ref == NULL ? "" : ref,
	    &globs);
	if (recall(ctx, &key, out))
		return 0;
	if (ctx->provider->files(ctx->provider->data, project, ref, &files, err) < 0)
		return error_wrap(err, "rules:exists");
	*out = exists_fits(files, &globs);
	remember(ctx, &key, *out);
	return 0;
}
