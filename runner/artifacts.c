/* Artifacts and reports in the local store. */
#include "runner/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/copy.h"
#include "base/path.h"
#include "runner/collect.h"

#define MAX_REPORT ((size_t)64 << 20)
#define HEADLINE(text) "\033[36;1m" text "\033[0;m\n"

static bool
is_archive(const struct job_artifact *a)
{
	return a->type == NULL || str_eq(a->type, "archive");
}

static char *
job_dir(const char *store_dir, int64_t id)
{
	return xasprintf("%s/%" PRId64, store_dir, id);
}

static int
list_files(const struct job_artifact *a, const struct workspace_view *view,
    const atomic_bool *cancel, struct strlist *out, struct buf *log, struct error *err)
{
	struct collect c = {
		.view = view,
		.paths = a->paths,
		.path_count = a->path_count,
		.exclude = a->exclude,
		.exclude_count = a->exclude_count,
		.untracked = a->untracked,
		.cancel = cancel,
	};

	return collect_files(&c, out, log, err);
}

/* ---- the archive ----------------------------------------------------------- */

void
artifacts_result_clear(struct artifacts_result *r)
{
	free(r->path);
	artifact_layer_clear(&r->layer);
	strlist_clear(&r->paths);
	*r = (struct artifacts_result)ARTIFACTS_RESULT_INIT;
}

/* Pack under a temporary name: a reader sees the whole archive or none. */
static int
write_archive(const struct archive_pack *p, const char *path,
    struct archive_totals *totals, struct error *err)
{
	cleanup_free char *temp = xasprintf("%s.part", path);
	cleanup_close int fd = -1;

	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return copy_errno(err, "cannot create", temp);
	if (archive_pack(p, fd, totals, err) < 0) {
		unlink(temp);
		return err->code;
	}
	if (rename(temp, path) < 0)
		return copy_errno(err, "cannot create", path);
	return 0;
}

int
artifacts_archive(const struct artifacts_result *r, struct error *err)
{
	cleanup_close int fd = open(r->layer.tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct archive_pack p = { .dir_fd = fd, .paths = &r->paths, .level = r->level };

	if (fd < 0)
		return error_errno(err, "cannot open %s", r->layer.tree);
	return write_archive(&p, r->path, NULL, err);
}

/* What goes wrong with a layer is told; then there is the archive. */
static bool
save_layer(const struct job_payload *job, bool success, const struct workspace_view *view,
    const struct artifacts_store *store, const atomic_bool *cancel,
    struct artifacts_result *out, struct buf *log)
{
	struct error why = ERROR_INIT;

	if (store->layers_dir == NULL)
		return false;
	artifact_layers_forget(store->layers_dir, job->id);
	if (view->upper == NULL)
		return false;
	if (artifact_layers_save(store->layers_dir, job->id, view, &out->paths, success,
		0, cancel, &out->layer, &why) < 0) {
		buf_printf(log, "%s; an archive is made at once\n", why.msg);
		return false;
	}
	out->files = out->layer.files;
	out->bytes = out->layer.bytes;
	return true;
}

static int
collect_archive(const struct job_payload *job, const struct job_artifact *a, bool success,
    const struct workspace_view *view, const struct artifacts_store *store,
    const atomic_bool *cancel, struct artifacts_result *out, struct buf *log,
    struct error *err)
{
	cleanup_free char *dir = job_dir(store->dir, job->id);
	cleanup_free char *path = path_join(dir, ARTIFACTS_FILE_NAME);
	struct archive_totals totals = { 0, 0 };
	struct archive_pack p = { .dir_fd = view->fd,
		.paths = &out->paths,
		.level = collect_level(job, "ARTIFACT_COMPRESSION_LEVEL"),
		.cancel = cancel };

	artifacts_result_clear(out);
	if (list_files(a, view, cancel, &out->paths, log, err) < 0)
		return err->code;
	out->level = p.level;
	if (out->paths.count > 0) {
		if (path_mkdirs(dir, 0755, err) < 0)
			return error_wrap(err, "cannot save the artifacts");
		if (!save_layer(job, success, view, store, cancel, out, log)) {
			if (write_archive(&p, path, &totals, err) < 0)
				return error_wrap(err, "cannot save the artifacts");
			out->files = totals.files;
			out->bytes = totals.bytes;
		}
		out->path = take(path);
	}
	if (out->files == 0)
		buf_add_str(log, "\033[31;1mERROR: No files to upload\033[0;m\n");
	return 0;
}

/* ---- reports --------------------------------------------------------------- */

static int
copy_report(const struct workspace_view *view, const char *path, const char *dir,
    struct error *err)
{
	cleanup_close int to_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct copier copier = { .files = 0 };
	struct stat st;

	if (fstatat(view->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0; /* a folder that was matched; its files follow */
	if (to_fd < 0)
		return copy_errno(err, "cannot open", dir);
	if (path_mkdirs_at(to_fd, path, 0755, err) < 0 ||
	    path_remove_tree(to_fd, path, err) < 0)
		return err->code;
	return copy_file(&copier, view->fd, to_fd, path, NULL, err);
}

static int
collect_report(const struct job_payload *job, const struct job_artifact *a,
    const struct workspace_view *view, const char *store_dir, const atomic_bool *cancel,
    struct buf *log, struct error *err)
{
	cleanup_free char *dir =
	    xasprintf("%s/%" PRId64 "/reports/%s", store_dir, job->id, a->type);
	cleanup_strlist struct strlist paths = STRLIST_INIT;

	if (strchr(a->type, '/') != NULL || *a->type == '.')
		return error_set(err, ERR_INVALID, "%s is no type of report", a->type);
	if (list_files(a, view, cancel, &paths, log, err) < 0)
		return err->code;
	if (paths.count > 0 && path_mkdirs(dir, 0755, err) < 0)
		return err->code;
	for (size_t i = 0; i < paths.count; i++)
		if (copy_report(view, paths.items[i], dir, err) < 0)
			return error_wrap(err, "cannot save the %s report", a->type);
	return 0;
}

int
artifacts_collect(const struct job_payload *job, bool success,
    const struct workspace_view *view, const struct artifacts_store *store,
    const atomic_bool *cancel, struct artifacts_result *out, struct buf *log,
    struct error *err)
{
	bool announced = false;

	for (size_t i = 0; i < job->artifact_count; i++) {
		const struct job_artifact *a = &job->artifacts[i];
		int rc;

		if (!collect_when_fits(a->when, success))
			continue;
		if (!announced)
			buf_add_str(log,
			    success ? HEADLINE("Uploading artifacts for successful job")
				    : HEADLINE("Uploading artifacts for failed job"));
		announced = true;
		rc = is_archive(a)
		    ? collect_archive(job, a, success, view, store, cancel, out, log, err)
		    : collect_report(job, a, view, store->dir, cancel, log, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- for later jobs -------------------------------------------------------- */

static int
open_archive(const char *store_dir, int64_t id, struct error *err)
{
	cleanup_free char *dir = job_dir(store_dir, id);
	cleanup_free char *path = path_join(dir, ARTIFACTS_FILE_NAME);
	cleanup_free char *zip = path_join(dir, ARTIFACTS_ZIP_NAME);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		fd = open(zip, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		error_set(err, ERR_MISSING, "%s is gone; run the job again", path);
	else if (fd < 0)
		error_errno(err, "cannot open %s", path);
	return fd;
}

static int
unpack(const struct job_dependency *d, const struct archive_unpack *u,
    const char *store_dir, size_t *files, struct error *err)
{
	cleanup_close int fd = open_archive(store_dir, d->id, err);
	struct archive_totals totals = { 0, 0 };

	if (fd < 0 || archive_unpack(u, fd, &totals, err) < 0)
		return err->code;
	*files = totals.files;
	return 0;
}

static int
restore_one(const struct job_dependency *d, const struct archive_unpack *u,
    const struct workspace_view *view, const struct artifacts_store *store,
    struct error *err)
{
	struct archive_unpack quiet = *u;
	cleanup_buf struct buf words = BUF_INIT; /* of what is left out */
	struct error why = ERROR_INIT;
	size_t files = 0;
	int rc = ERR_MISSING;

	quiet.log = &words;
	buf_printf(
	    u->log, "Downloading artifacts for %s (%" PRId64 ")...", d->name, d->id);
	if (store->layers_dir != NULL)
		rc = artifact_layers_copy(
		    store->layers_dir, d, view, u->cancel, &files, &why);
	if (rc == ERR_MISSING)
		rc = unpack(d, &quiet, store->dir, &files, err);
	else if (rc < 0)
		*err = why;
	if (rc < 0)
		buf_add_char(u->log, '\n');
	else
		buf_printf(u->log, " ok, %zu files\n", files);
	buf_add(u->log, buf_str(&words), words.len);
	return rc < 0 ? error_wrap(err, "artifacts of job \"%s\"", d->name) : 0;
}

int
artifacts_restore(const struct job_payload *job, const struct workspace_view *view,
    const struct artifacts_store *store, const struct artifact_mounts *mounts,
    const atomic_bool *cancel, struct buf *log, struct error *err)
{
	struct archive_unpack u = {
		.dir_fd = view->fd,
		.not_before_ns = view->snapshot == NULL
		    ? INT64_MIN
		    : snapshot_newest_ns(view->snapshot),
		.max_bytes = archive_room(view->fd),
		.cancel = cancel,
		.log = log,
	};
	bool announced = mounts != NULL && mounts->announced;

	for (size_t i = mounts == NULL ? 0 : mounts->done; i < job->dependency_count;
	     i++) {
		if (job->dependencies[i].filename == NULL)
			continue;
		if (!announced)
			buf_add_str(log, HEADLINE("Downloading artifacts"));
		announced = true;
		if (restore_one(&job->dependencies[i], &u, view, store, err) < 0)
			return err->code;
	}
	return 0;
}

/* All files below dir, each ended by a newline. */
static int
join_files(const char *dir, struct buf *out, struct error *err)
{
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static const char *const all[] = { "." };
	cleanup_buf struct buf ignored = BUF_INIT;
	struct strlist env = STRLIST_INIT;
	struct workspace_view view = { .fd = fd, .project_dir = dir, .env = &env };
	struct collect c = { .view = &view, .paths = all, .path_count = 1 };

	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_MISSING, "there is no such report");
	if (fd < 0)
		return error_errno(err, "cannot open %s", dir);
	if (collect_files(&c, &paths, &ignored, err) < 0)
		return err->code;
	for (size_t i = 0; i < paths.count; i++) {
		cleanup_free char *path = path_join(dir, paths.items[i]);
		struct stat st;

		if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (buf_read_file(out, path, MAX_REPORT, err) < 0)
			return err->code;
		if (out->len > 0 && out->data[out->len - 1] != '\n')
			buf_add_char(out, '\n');
	}
	return 0;
}

int
artifacts_read_report(const char *store_dir, int64_t job_id, const char *type,
    struct buf *out, struct error *err)
{
	cleanup_free char *dir =
	    xasprintf("%s/%" PRId64 "/reports/%s", store_dir, job_id, type);

	return join_files(dir, out, err);
}

int
artifacts_read_file(const struct artifacts_store *store, int64_t job_id, const char *path,
    size_t max, struct buf *out, struct error *err)
{
	cleanup_free char *clean = path_clean(path);
	cleanup_close int fd = -1;

	if (clean == NULL)
		return error_set(err, ERR_MISSING, "%s is no path in an archive", path);
	if (store->layers_dir != NULL) {
		int rc =
		    artifact_layers_read(store->layers_dir, job_id, clean, max, out, err);

		if (rc != ERR_MISSING)
			return rc;
	}
	fd = open_archive(store->dir, job_id, err);
	return fd < 0 ? err->code : archive_read_file(fd, clean, max, out, err);
}
