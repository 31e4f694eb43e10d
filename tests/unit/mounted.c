/* Workspaces of layers for tests. */
#include "tests/unit/mounted.h"

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/overlay.h"
#include "base/path.h"
#include "tests/unit/fixture.h"

bool
mounted_can_be_had(void)
{
	struct error ignored = ERROR_INIT;

	return overlay_unshare(geteuid() != 0, &ignored) == 0;
}

void
mounted_open(struct mounted *m)
{
	*m = (struct mounted){ .caches = { .lease = LAYER_LEASE_INIT },
		.artifacts = { .lease = LAYER_LEASE_INIT },
		.view = { .fd = -1 } };
	workspace_bench_open(&m->bench);
	m->upper = path_join(m->bench.root, "upper");
	m->work = path_join(m->bench.root, "work");
	m->target = path_join(m->bench.root, "target");
	m->layers_dir = path_join(m->bench.root, "layers");
}

struct artifacts_store
mounted_store(const struct mounted *m)
{
	return (struct artifacts_store){ m->bench.store, m->layers_dir };
}

void
mounted_end(struct mounted *m)
{
	struct error err = ERROR_INIT;

	if (m->view.fd >= 0) {
		close(m->view.fd);
		m->view.fd = -1;
		if (overlay_unmount(m->target, &err) < 0)
			ck_abort_msg("%s", err.msg);
	}
	cache_mounts_clear(&m->caches);
	artifact_mounts_clear(&m->artifacts);
	strlist_clear(&m->lowers);
}

static void
fresh_folder(const char *path)
{
	struct error err = ERROR_INIT;

	if (path_remove_tree(AT_FDCWD, path, &err) < 0 ||
	    path_mkdirs(path, 0755, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static void
add_lowers(struct mounted *m, const struct strlist *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		strlist_add(&m->lowers, layers->items[i]);
}

void
mounted_begin(struct mounted *m, const struct job_payload *job)
{
	const struct artifacts_store store = mounted_store(m);
	struct overlay o = { .upper = m->upper,
		.work = m->work,
		.lowers = &m->lowers,
		.userns = geteuid() != 0 };
	struct error err = ERROR_INIT;

	mounted_end(m);
	buf_reset(&m->log);
	fresh_folder(m->upper);
	fresh_folder(m->work);
	fresh_folder(m->target);
	m->view = m->bench.view;
	m->view.project_dir = m->target;
	cache_mount(job, &m->view, m->bench.store, &m->caches, &m->log);
	artifact_mount(
	    job, &m->view, m->layers_dir, m->caches.is_complete, &m->artifacts, &m->log);
	add_lowers(m, &m->artifacts.layers);
	add_lowers(m, &m->caches.layers);
	add_lowers(m, snapshot_layers(m->bench.snapshot));
	if (overlay_mount(&o, m->target, &err) < 0)
		ck_abort_msg("%s", err.msg);
	m->view.fd = open(m->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->view.upper = m->upper;
	m->view.lowers = &m->lowers;
	cache_restore(job, &m->view, m->bench.store, &m->caches, NULL, &m->log);
	if (artifacts_restore(job, &m->view, &store, &m->artifacts, NULL, &m->log, &err) <
	    0)
		ck_abort_msg("%s", err.msg);
}

void
mounted_close(struct mounted *m)
{
	mounted_end(m);
	free(m->upper);
	free(m->work);
	free(m->target);
	free(m->layers_dir);
	buf_clear(&m->log);
	workspace_bench_close(&m->bench);
}
