/* Layers of jobs' files. */
#include "runner/artifact_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/layers.h"

static char *
set_file(const char *dir, int64_t job)
{
	return xasprintf("%s/%" PRId64 "/" LAYER_SET_NAME, dir, job);
}

void
artifact_layers_forget(const char *dir, int64_t job)
{
	cleanup_free char *file = set_file(dir, job);

	unlink(file);
}

/* ---- keeping --------------------------------------------------------------- */

static int
fill(struct layers_pick *p, const char *tree, const char *upper, struct error *err)
{
	cleanup_close int to = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int from =
	    upper == NULL ? -1 : open(upper, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (to < 0)
		return error_errno(err, "cannot open %s", tree);
	p->to_fd = to;
	p->link_fd = from;
	return layers_pick(p, err);
}

static int
publish(const char *dir, int64_t job, const char *id, const struct layers_pick *p,
    int64_t archive_bytes, struct error *err)
{
	struct layer_set set = { .oldest_ns = p->files > 0 ? p->oldest_ns : INT64_MAX,
		.newest_ns = p->files > 0 ? p->newest_ns : INT64_MIN,
		.files = p->files,
		.archive_bytes = archive_bytes };
	cleanup_free char *folder = xasprintf("%s/%" PRId64, dir, job);
	cleanup_free char *file = set_file(dir, job);
	int rc;

	if (path_mkdirs(folder, 0700, err) < 0)
		return err->code;
	strlist_add(&set.ids, id);
	rc = layer_set_write(file, &set, err);
	strlist_clear(&set.ids);
	return rc;
}

int
artifact_layers_save(const char *dir, int64_t job, const struct workspace_view *view,
    const struct strlist *paths, bool may_link, int64_t archive_bytes,
    const atomic_bool *cancel, struct artifact_layer *out, struct error *err)
{
	cleanup_close int hold = layer_store_hold(dir, err);
	cleanup_free char *id = NULL, *tree = NULL;
	struct layers_pick p = { .from_fd = view->fd,
		.modes_fd = view->fd,
		.paths = paths,
		.after_ns = INT64_MAX,
		.not_before_ns = view->snapshot == NULL
		    ? INT64_MIN
		    : snapshot_newest_ns(view->snapshot),
		.cancel = cancel };
	struct layer_lease lease = LAYER_LEASE_INIT;
	struct strlist ids = STRLIST_INIT;
	int rc;

	if (hold < 0 || layer_store_new(dir, &id, err) < 0)
		return err->code;
	tree = layer_store_tree(dir, id);
	if (fill(&p, tree, may_link ? view->upper : NULL, err) < 0 ||
	    layer_store_set_size(dir, id, p.disk_bytes, err) < 0 ||
	    publish(dir, job, id, &p, archive_bytes, err) < 0) {
		layer_store_drop(dir, id);
		return err->code;
	}
	strlist_add(&ids, id);
	rc = layer_lease_take(dir, &ids, &lease, err);
	strlist_clear(&ids);
	if (rc == 0)
		*out = (struct artifact_layer){ take(tree), p.files, (int64_t)p.bytes,
			lease };
	return rc;
}

void
artifact_layer_clear(struct artifact_layer *layer)
{
	free(layer->tree);
	layer_lease_clear(&layer->lease);
	*layer = (struct artifact_layer)ARTIFACT_LAYER_INIT;
}

/* ---- handing over ---------------------------------------------------------- */

static bool
has_files(const struct job_dependency *d)
{
	return d->filename != NULL && *d->filename != '\0';
}

/* A set whose layer is there, and of the archive that is meant if that can be told. */
static bool
find(const char *dir, const struct job_dependency *d, struct layer_set *out)
{
	cleanup_free char *file = set_file(dir, d->id), *tree = NULL;
	struct error ignored = ERROR_INIT;

	if (!has_files(d) || layer_set_read(file, out, &ignored) < 0)
		return false;
	tree = layer_store_tree(dir, out->ids.items[0]);
	if (access(tree, F_OK) == 0 &&
	    (out->archive_bytes == 0 || out->archive_bytes == d->size_bytes)) {
		(void)utimensat(AT_FDCWD, file, NULL, 0); /* when it was last used */
		return true;
	}
	layer_set_clear(out);
	return false;
}

bool
artifact_layers_have(const char *dir, const struct job_dependency *d)
{
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;

	return find(dir, d, &set);
}

/* The caller holds the store. */
static int
lease_all(const char *dir, const struct job_payload *job, struct layer_lease *out,
    struct error *err)
{
	struct strlist ids = STRLIST_INIT;
	int rc = 0;

	for (size_t i = 0; i < job->dependency_count; i++) {
		cleanup_layer_set struct layer_set set = LAYER_SET_INIT;

		if (find(dir, &job->dependencies[i], &set))
			strlist_add(&ids, set.ids.items[0]);
	}
	if (ids.count > 0)
		rc = layer_lease_take(dir, &ids, out, err);
	strlist_clear(&ids);
	return rc;
}

int
artifact_layers_lease(const char *dir, const struct job_payload *job,
    struct layer_lease *out, struct error *err)
{
	cleanup_close int hold = layer_store_hold(dir, err);

	return hold < 0 ? err->code : lease_all(dir, job, out, err);
}

static bool
mount_one(const char *dir, const struct job_dependency *d,
    const struct workspace_view *view, struct artifact_mounts *out, struct buf *log)
{
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;

	if (!find(dir, d, &set) || set.oldest_ns < snapshot_newest_ns(view->snapshot))
		return false;
	if (!out->announced)
		buf_add_str(log, "\033[36;1mDownloading artifacts\033[0;m\n");
	out->announced = true;
	buf_printf(log,
	    "Downloading artifacts for %s (%" PRId64 ")... ok, %" PRIu64 " files\n",
	    d->name, d->id, set.files);
	strlist_add_take(&out->layers, layer_store_tree(dir, set.ids.items[0]));
	return true;
}

/* The later come over the earlier ones. */
static void
reverse(struct strlist *l)
{
	for (size_t i = 0; i < l->count / 2; i++) {
		char *item = l->items[i];

		l->items[i] = l->items[l->count - 1 - i];
		l->items[l->count - 1 - i] = item;
	}
}

void
artifact_mount(const struct job_payload *job, const struct workspace_view *view,
    const char *dir, bool may_mount, struct artifact_mounts *out, struct buf *log)
{
	struct error err = ERROR_INIT;
	cleanup_close int hold = -1;

	*out = (struct artifact_mounts){ .lease = LAYER_LEASE_INIT };
	if (job->dependency_count == 0)
		return;
	hold = layer_store_hold(dir, &err);
	if (hold < 0 || lease_all(dir, job, &out->lease, &err) < 0)
		return; /* there are the archives */
	for (; may_mount && out->done < job->dependency_count; out->done++) {
		const struct job_dependency *d = &job->dependencies[out->done];

		if (d->filename != NULL && !mount_one(dir, d, view, out, log))
			break;
	}
	reverse(&out->layers);
}

void
artifact_mounts_clear(struct artifact_mounts *m)
{
	strlist_clear(&m->layers);
	layer_lease_clear(&m->lease);
	*m = (struct artifact_mounts){ .lease = LAYER_LEASE_INIT };
}

int
artifact_layers_copy(const char *dir, const struct job_dependency *d,
    const struct workspace_view *view, const atomic_bool *cancel, size_t *files,
    struct error *err)
{
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;
	cleanup_strlist struct strlist trees = STRLIST_INIT;
	struct layers_copy c = { .layers = &trees,
		.to_fd = view->fd,
		.not_before_ns = view->snapshot == NULL
		    ? INT64_MIN
		    : snapshot_newest_ns(view->snapshot),
		.folder_times = true,
		.cancel = cancel };

	if (!find(dir, d, &set))
		return error_set(err, ERR_MISSING, "there is no layer of it");
	strlist_add_take(&trees, layer_store_tree(dir, set.ids.items[0]));
	if (layers_copy(&c, err) < 0)
		return err->code;
	*files = c.files;
	return 0;
}

/* No part of the path may be a link: it could lead anywhere. */
static int
open_inside(const char *tree, const char *path)
{
	cleanup_free char *copy = xstrdup(path);
	int fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *part = copy, *slash;

	while (fd >= 0 && (slash = strchr(part, '/')) != NULL) {
		int next;

		*slash = '\0';
		next = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
		part = slash + 1;
	}
	if (fd >= 0) {
		int file =
		    openat(fd, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		close(fd);
		fd = file;
	}
	return fd;
}

int
artifact_layers_read(const char *dir, int64_t job, const char *path, size_t max,
    struct buf *out, struct error *err)
{
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;
	cleanup_free char *file = set_file(dir, job), *tree = NULL;
	cleanup_free char *clean = path_clean(path);
	cleanup_close int fd = -1;
	struct stat st;

	if (clean == NULL || layer_set_read(file, &set, err) < 0)
		return error_set(err, ERR_MISSING, "there is no %s", path);
	tree = layer_store_tree(dir, set.ids.items[0]);
	fd = open_inside(tree, clean);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, ERR_MISSING, "%s is not in the archive", path);
	return buf_read_fd(out, fd, max, err);
}
