/* A provider over tables. */
#include "tests/unit/memory_provider.h"

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && str_eq(a, b));
}

static bool
has_project(const struct memory_provider *m, const char *project, const char *ref)
{
	for (const struct memory_file *f = m->files; f->path != NULL; f++)
		if (same(f->project, project) && same(f->ref, ref))
			return true;
	return project == NULL;
}

static int
memory_read(void *data, const char *project, const char *ref, const char *path,
    size_t max, struct buf *out, struct error *err)
{
	const struct memory_provider *m = data;

	if (!has_project(m, project, ref))
		return error_set(err, ERR_ENVIRONMENT,
		    "project %s is not known here; pass --project %s=PATH", project,
		    project);
	for (const struct memory_file *f = m->files; f->path != NULL; f++) {
		if (!same(f->project, project) || !same(f->ref, ref) ||
		    !str_eq(f->path, path))
			continue;
		if (strlen(f->text) > max)
			return error_set(err, ERR_LIMIT, "%s is too large", path);
		buf_add_str(out, f->text);
		return 0;
	}
	return error_set(err, ERR_MISSING, "%s: no such file", path);
}

static int
memory_files(void *data, const char *project, const char *ref, const struct strlist **out,
    struct error *err)
{
	struct memory_provider *m = data;

	if (!has_project(m, project, ref))
		return error_set(
		    err, ERR_ENVIRONMENT, "project %s is not known here", project);
	strlist_clear(&m->listed);
	for (const struct memory_file *f = m->files; f->path != NULL; f++)
		if (same(f->project, project) && same(f->ref, ref))
			strlist_add(&m->listed, f->path);
	strlist_sort(&m->listed);
	*out = &m->listed;
	return 0;
}

static int
memory_changed(void *data, const char *compare_to, bool *known,
    const struct strlist **out, struct error *err)
{
	struct memory_provider *m = data;

	if (compare_to != NULL && !same(compare_to, m->compare_ref))
		return error_set(err, ERR_MISSING, "%s is not a valid ref", compare_to);
	strlist_clear(&m->changed);
	*known = m->changes != NULL;
	for (const char *const *path = m->changes; path != NULL && *path != NULL; path++)
		strlist_add(&m->changed, *path);
	*out = &m->changed;
	return 0;
}

void
memory_provider_init(struct memory_provider *m, const struct memory_file *files)
{
	*m = (struct memory_provider){
		.provider = { m, memory_read, memory_files, memory_changed },
		.files = files,
	};
}

void
memory_provider_clear(struct memory_provider *m)
{
	strlist_clear(&m->listed);
	strlist_clear(&m->changed);
}
