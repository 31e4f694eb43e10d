/* Layers over the source. */
#include "runner/build_layers.h"

#include <unistd.h>

#include "base/path.h"
#include "runner/build_words.h"
#include "runner/runner.h"

#define LEASES_NAME "layers" /* in the job's folder: the files that name what it uses */
#define MAX_NOTE 16384

static void
add_on_top(struct strlist *lowers, const struct strlist *layers)
{
	struct strlist all = STRLIST_INIT;

	for (size_t i = 0; i < layers->count; i++)
		strlist_add(&all, layers->items[i]);
	for (size_t i = 0; i < lowers->count; i++)
		strlist_add_take(&all, lowers->items[i]);
	free(lowers->items);
	*lowers = all;
}

bool
build_layers_fetches(const struct runner *runner, const struct job_payload *job,
    const struct build_spec *b)
{
	return runner->cache_remote != NULL && cache_remote_is_wanted(job) &&
	    !build_spec_is_elsewhere(b);
}

struct cache_remote_use
build_layers_remote(const struct runner *runner, const atomic_bool *cancel)
{
	return (struct cache_remote_use){ .remote = runner->cache_remote,
		.short_token = runner->short_token,
		.cancel = cancel };
}

void
build_layers_fetch(const struct runner *runner, const struct job_payload *job,
    const struct build_spec *b, const atomic_bool *cancel,
    void (*say)(const char *line, void *data), void *data)
{
	struct cache_remote_use remote = build_layers_remote(runner, cancel);
	const struct workspace_view view = { .fd = -1,
		.project_dir = build_spec_project_dir(b),
		.env = &b->spec.env,
		.snapshot = runner->snapshot };

	remote.say = say;
	remote.data = data;
	if (build_layers_fetches(runner, job, b))
		cache_remote_fetch(&remote, job, &view, runner->cache_dir);
}

void
build_layers_add(struct build_layers *l, const struct runner *runner,
    const struct job_payload *job, struct build_spec *b)
{
	struct spec *spec = &b->spec;
	const struct workspace_view view = { .fd = -1,
		.project_dir = spec->project_dir,
		.env = &spec->env,
		.snapshot = runner->snapshot };

	build_layers_clear(l);
	if (runner->short_token == NULL) /* not a server's */
		build_words_of_absent(job, runner->snapshot, &l->log);
	if (spec->mode != SPEC_OVERLAY)
		return;
	cache_mount(job, &view, runner->cache_dir, &l->caches, &l->log);
	/* what is unpacked lies over all layers: what comes after a cache comes after it
	 */
	if (runner->artifact_layers_dir != NULL)
		artifact_mount(job, &view, runner->artifact_layers_dir,
		    l->caches.is_complete, &l->artifacts, &l->log);
	l->is_complete =
	    l->caches.is_complete && l->artifacts.done == job->dependency_count;
	add_on_top(&spec->lowers, &l->caches.layers);
	add_on_top(&spec->lowers, &l->artifacts.layers);
}

int
build_layers_write(const struct build_layers *l, const char *job_dir, struct error *err)
{
	const struct layer_lease *const leases[] = { &l->caches.lease,
		&l->artifacts.lease };
	cleanup_free char *note = path_join(job_dir, LEASES_NAME);
	cleanup_buf struct buf text = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(leases); i++)
		if (leases[i]->file != NULL)
			buf_printf(&text, "%s\n", leases[i]->file);
	return text.len == 0 ? 0 : path_write_file(note, text.data, text.len, 0600, err);
}

/* One that is gone was of layers that are gone: there is nothing to hold. */
void
build_layers_take_over(struct build_layers *l, const char *job_dir)
{
	struct layer_lease *const leases[] = { &l->caches.lease, &l->artifacts.lease };
	cleanup_free char *note = path_join(job_dir, LEASES_NAME);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	char *rest, *line;
	size_t i = 0;

	if (access(note, F_OK) < 0 ||
	    buf_read_file(&text, note, MAX_NOTE, &ignored) < 0 || text.len == 0)
		return;
	for (rest = text.data; i < ARRAY_LEN(leases) &&
	     (line = strsep(&rest, "\n")) != NULL && *line != '\0';
	     i++)
		if (layer_lease_take_over(line, leases[i], &ignored) < 0)
			layer_lease_forget(leases[i]);
}

void
build_layers_clear(struct build_layers *l)
{
	cache_mounts_clear(&l->caches);
	artifact_mounts_clear(&l->artifacts);
	buf_clear(&l->log);
	l->is_complete = false;
}

void
build_layers_forget(struct build_layers *l)
{
	layer_lease_forget(&l->caches.lease);
	layer_lease_forget(&l->artifacts.lease);
}
