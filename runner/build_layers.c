/* Layers over the source. */
#include "runner/build_layers.h"

#include <unistd.h>

#include "base/path.h"
#include "runner/runner.h"

#define LEASE_NAME "layers" /* in the job's folder: the file that names what it uses */

void
build_layers_add(struct build_layers *l, const struct runner *runner,
    const struct job_payload *job, struct build_spec *b)
{
	struct spec *spec = &b->spec;
	const struct workspace_view view = { .fd = -1,
		.project_dir = spec->project_dir,
		.env = &spec->env,
		.snapshot = runner->snapshot };
	struct strlist lowers = STRLIST_INIT;

	build_layers_clear(l);
	if (spec->mode != SPEC_OVERLAY)
		return;
	cache_mount(job, &view, runner->cache_dir, &l->caches, &l->log);
	l->is_complete = l->caches.is_complete && job->dependency_count == 0;
	for (size_t i = 0; i < l->caches.layers.count; i++)
		strlist_add(&lowers, l->caches.layers.items[i]);
	for (size_t i = 0; i < spec->lowers.count; i++)
		strlist_add_take(&lowers, spec->lowers.items[i]);
	free(spec->lowers.items);
	spec->lowers = lowers;
}

int
build_layers_write(const struct build_layers *l, const char *job_dir, struct error *err)
{
	cleanup_free char *note = path_join(job_dir, LEASE_NAME);
	const char *file = l->caches.lease.file;

	return file == NULL ? 0 : path_write_file(note, file, strlen(file), 0600, err);
}

/* One that is gone was of layers that are gone: there is nothing to hold. */
void
build_layers_take_over(struct build_layers *l, const char *job_dir)
{
	cleanup_free char *note = path_join(job_dir, LEASE_NAME);
	cleanup_buf struct buf file = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (access(note, F_OK) == 0 && buf_read_file(&file, note, 8192, &ignored) == 0 &&
	    layer_lease_take_over(buf_str(&file), &l->caches.lease, &ignored) < 0)
		layer_lease_forget(&l->caches.lease);
}

void
build_layers_clear(struct build_layers *l)
{
	cache_mounts_clear(&l->caches);
	buf_clear(&l->log);
	l->is_complete = false;
}

void
build_layers_forget(struct build_layers *l)
{
	layer_lease_forget(&l->caches.lease);
}
