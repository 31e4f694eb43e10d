/*
 * Refs by their files. A refspec without a star names the job's own commit, whatever the
 * branch has become since the pipeline was made. In a mirror each commit has a ref of its
 * own, refs/keep/SHA/N: refs named as their origins would get into each other's way
 * (a branch "a" that gives way to "a/b"), and without any each fetch would begin anew.
 */
#include "runner/source_refs.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/path.h"

#define MAX_PACKED ((size_t)64 << 20)
#define MAX_REF_FILE 256
#define MAX_REF_DEPTH 32

struct refspec {
	const char *source, *target; /* into text; target "" when there is none */
	bool has_star;
	char *text;
};

static struct refspec
split_refspec(const char *refspec)
{
	struct refspec r = { .text = xstrdup(refspec + (*refspec == '+')) };
	char *colon = strchr(r.text, ':');

	if (colon != NULL)
		*colon = '\0';
	r.source = r.text;
	r.target = colon == NULL ? "" : colon + 1;
	r.has_star = strchr(r.source, '*') != NULL;
	return r;
}

/* As git allows names, in short: what could break the file or lead astray. */
static bool
is_ref_name(const char *name)
{
	return str_starts(name, "refs/") && strpbrk(name, " \t\r\n~^:?*[\\") == NULL &&
	    strstr(name, "..") == NULL && strstr(name, "//") == NULL &&
	    !str_ends(name, "/") && !str_ends(name, ".lock");
}

void
source_refs_to_fetch(const struct job_payload *job, struct strlist *out)
{
	const struct job_git *git = &job->git;
	bool any = false;

	for (size_t i = 0; i < git->refspec_count; i++) {
		struct refspec r = split_refspec(git->refspecs[i]);

		if (r.has_star)
			strlist_add_take(out, xasprintf("+%s:%s", r.source, r.target));
		else if (is_ref_name(r.source))
			strlist_add_take(out,
			    xasprintf("+%s:refs/keep/%s/%zu", r.source, git->sha, i));
		any = true;
		free(r.text);
	}
	if (!any)
		strlist_add_take(
		    out, xasprintf("+%s:refs/keep/%s/0", git->sha, git->sha));
}

/* ---- reading --------------------------------------------------------------- */

struct refs {
	struct map by_name; /* → malloced "SHA" or "SHA\n^PEELED" */
};

static void
refs_clear(struct refs *r)
{
	map_for_each(e, &r->by_name)
		free(e->value);
	map_clear(&r->by_name);
}

static void
put(struct refs *r, const char *name, const char *sha, size_t len)
{
	free(map_get(&r->by_name, name));
	map_set(&r->by_name, name, xstrndup(sha, len));
}

/* "SHA NAME\n", and after an annotated tag "^SHA\n" */
static void
read_packed(struct refs *refs, const char *repo, const char *prefix)
{
	cleanup_free char *file = path_join(repo, "packed-refs");
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	char *rest, *line, *last = NULL;

	if (buf_read_file(&text, file, MAX_PACKED, &ignored) < 0 || text.len == 0)
		return;
	rest = text.data;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *space = strchr(line, ' ');

		if (*line == '^' && last != NULL) {
			cleanup_free char *both = xasprintf(
			    "%s\n%s", (char *)map_get(&refs->by_name, last), line);

			put(refs, last, both, strlen(both));
		}
		last = NULL;
		if (*line == '#' || *line == '^' || space == NULL ||
		    !str_starts(space + 1, prefix))
			continue;
		last = space + 1;
		put(refs, last, line, (size_t)(space - line));
	}
}

static void
read_loose(struct refs *refs, const char *repo, const char *name, int depth)
{
	cleanup_free char *path = path_join(repo, name);
	cleanup_closedir DIR *d = depth < MAX_REF_DEPTH ? opendir(path) : NULL;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *ref = path_join(name, e->d_name);
		cleanup_free char *file = path_join(repo, ref);
		cleanup_buf struct buf text = BUF_INIT;
		struct error ignored = ERROR_INIT;
		size_t len;

		if (*e->d_name == '.')
			continue;
		if (buf_read_file(&text, file, MAX_REF_FILE, &ignored) < 0) {
			read_loose(refs, repo, ref, depth + 1);
			continue;
		}
		len = strspn(buf_str(&text), "0123456789abcdef");
		if (len == 40 || len == 64) /* else it is symbolic */
			put(refs, ref, text.data, len);
	}
}

/* All below prefix, which ends with a slash; loose ones are newer than packed ones. */
static void
read_refs(struct refs *refs, const char *repo, const char *prefix)
{
	cleanup_free char *folder = xstrndup(prefix, strlen(prefix) - 1);

	read_packed(refs, repo, prefix);
	read_loose(refs, repo, folder, 0);
}

/* ---- the job's own --------------------------------------------------------- */

/*
 * A refspec with a star at the end of both sides. A server's own repository has them by
 * their source, a mirror by their target.
 */
static void
add_pattern(struct refs *out, const char *repo, const struct refspec *r)
{
	size_t from = strcspn(r->source, "*"), to = strcspn(r->target, "*");
	cleanup_free char *source = xstrndup(r->source, from);
	cleanup_free char *target = xstrndup(r->target, to);
	struct refs found = { .by_name = MAP_INIT };

	if (!str_starts(source, "refs/") || !str_ends(source, "/") ||
	    !str_starts(target, "refs/") || !str_ends(target, "/"))
		return;
	read_refs(&found, repo, target);
	map_for_each(e, &found.by_name)
		put(out, e->key, e->value, strlen(e->value));
	refs_clear(&found);
	if (str_eq(source, target))
		return;
	read_refs(&found, repo, source);
	map_for_each(e, &found.by_name) {
		cleanup_free char *name = xasprintf("%s%s", target, e->key + from);

		put(out, name, e->value, strlen(e->value));
	}
	refs_clear(&found);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct map_entry *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static void
write_packed(const struct refs *refs, struct buf *out)
{
	const struct map_entry **sorted =
	    xcalloc(refs->by_name.count + 1, sizeof(const struct map_entry *));
	size_t count = 0;

	map_for_each(e, &refs->by_name)
		sorted[count++] = e;
	qsort(sorted, count, sizeof(*sorted), compare_entries);
	buf_add_str(out, "# pack-refs with: sorted \n");
	for (size_t i = 0; i < count; i++) {
		const char *sha = sorted[i]->value;
		size_t len = strcspn(sha, "\n");

		buf_printf(out, "%.*s %s%s\n", (int)len, sha, sorted[i]->key, sha + len);
	}
	free(sorted);
}

void
source_refs_pack(const char *repo, const struct job_payload *job, struct buf *out)
{
	struct refs refs = { .by_name = MAP_INIT };
	const struct job_git *git = &job->git;

	read_refs(&refs, repo, "refs/tags/");
	for (size_t i = 0; i < git->refspec_count; i++) {
		struct refspec r = split_refspec(git->refspecs[i]);

		if (r.has_star)
			add_pattern(&refs, repo, &r);
		free(r.text);
	}
	for (size_t i = 0; i < git->refspec_count; i++) {
		struct refspec r = split_refspec(git->refspecs[i]);

		/* an annotated tag is known by the repository better than by its commit
		 */
		if (!r.has_star && is_ref_name(r.target) &&
		    (map_get(&refs.by_name, r.target) == NULL ||
			!str_starts(r.target, "refs/tags/")))
			put(&refs, r.target, git->sha, strlen(git->sha));
		free(r.text);
	}
	write_packed(&refs, out);
	refs_clear(&refs);
}
