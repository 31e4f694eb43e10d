/* What a server gets of a job's files: one file per entry of its artifacts. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/copy.h"
#include "base/log.h"
#include "base/path.h"
#include "runner/artifacts.h"
#include "runner/collect.h"
#include "runner/environment.h"

#define HEADLINE(text) "\033[36;1m" text "\033[0;m\n"
#define ZIP_LEVEL_MAX 9

struct packer {
	const struct job_payload *job;
	const struct workspace_view *view;
	bool success;
	const char *dir, *layers_dir;
	const atomic_bool *cancel;
	struct artifacts_packed_list *out;
	struct buf *log;
};

void
artifacts_packed_clear(struct artifacts_packed_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->items[i].path);
		free(l->items[i].filename);
	}
	free(l->items);
	*l = (struct artifacts_packed_list){ .items = NULL };
}

static int
list_files(const struct packer *p, const struct job_artifact *a, struct strlist *out,
    struct error *err)
{
	struct collect c = {
		.view = p->view,
		.paths = a->paths,
		.path_count = a->path_count,
		.exclude = a->exclude,
		.exclude_count = a->exclude_count,
		.untracked = a->untracked,
		.cancel = p->cancel,
	};

	return collect_files(&c, out, p->log, err);
}

/* Only the last part of what the job calls it, without what would end a header line. */
static char *
base_name(const struct packer *p, const struct job_artifact *a)
{
	cleanup_free char *whole =
	    a->name == NULL ? NULL : environment_expand(p->view->env, a->name);
	const char *slash = whole == NULL ? NULL : strrchr(whole, '/');
	char *name = xstrdup(slash != NULL ? slash + 1 : whole == NULL ? "" : whole);

	for (char *c = name; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
			*c = '_';
	if (*name != '\0')
		return name;
	free(name);
	return xstrdup("artifacts");
}

static bool
is_regular(int dir_fd, const char *path)
{
	struct stat st;

	return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode);
}

static int
pack_zip(const struct packer *p, const struct strlist *paths, int fd, struct error *err)
{
	struct archive_pack a = { .format = ARCHIVE_ZIP,
		.dir_fd = p->view->fd,
		.paths = paths,
		.level = collect_level(p->job, "ARTIFACT_COMPRESSION_LEVEL"),
		.cancel = p->cancel,
		.max_bytes = p->job->artifact_max_bytes };

	if (a.level > ZIP_LEVEL_MAX)
		a.level = ZIP_LEVEL_MAX;
	return archive_pack(&a, fd, NULL, err);
}

/* What the server takes of one upload. */
static int
check_size(const struct packer *p, int64_t bytes, struct error *err)
{
	int64_t max = p->job->artifact_max_bytes;

	return max > 0 && bytes > max ? error_set(err, ERR_LIMIT, "too large") : 0;
}

static int
pack_gzip(const struct packer *p, const struct strlist *paths, int fd, struct error *err)
{
	for (size_t i = 0; i < paths->count; i++)
		if (is_regular(p->view->fd, paths->items[i]) &&
		    (archive_gzip(p->view->fd, paths->items[i], p->cancel, fd, err) < 0 ||
			check_size(p, lseek(fd, 0, SEEK_CUR), err) < 0))
			return err->code;
	return 0;
}

static int
pack_raw(const struct packer *p, const struct strlist *paths, int fd, struct error *err)
{
	const char *only = NULL;
	cleanup_close int from = -1;
	char block[16384];
	struct stat st;
	ssize_t n;

	for (size_t i = 0; i < paths->count; i++) {
		if (!is_regular(p->view->fd, paths->items[i]))
			continue;
		if (only != NULL)
			return error_set(err, ERR_INVALID,
			    "only one file can be sent as it is, and %s and %s were found",
			    only, paths->items[i]);
		only = paths->items[i];
	}
	if (only == NULL)
		return error_set(err, ERR_INVALID, "no file was found");
	from = openat(p->view->fd, only, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return error_errno(err, "cannot read %s", only);
	if (check_size(p, st.st_size, err) < 0)
		return err->code;
	while ((n = read(from, block, sizeof(block))) > 0)
		if (path_write_fd(fd, block, (size_t)n) < 0)
			return copy_errno(err, "cannot copy", only);
	return n < 0 ? error_errno(err, "cannot read %s", only) : 0;
}

/* What an entry looks like on the wire; GitLab: nothing said means zip. */
static const struct {
	const char *format, *suffix;
	int (*pack)(const struct packer *p, const struct strlist *paths, int fd,
	    struct error *err);
} formats[] = {
	{ "zip", ".zip", pack_zip },
	{ "gzip", ".gz", pack_gzip },
	{ "raw", "", pack_raw },
};

static size_t
format_of(const struct job_artifact *a)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (a->format != NULL && str_eq(a->format, formats[i].format))
			return i;
	return 0;
}

/* For the next job on this machine; without it that one unpacks the archive. */
static void
keep_layer(const struct packer *p, const struct strlist *paths, int archive_fd)
{
	struct artifact_layer layer = ARTIFACT_LAYER_INIT;
	struct error why = ERROR_INIT;
	struct stat st;

	if (p->layers_dir == NULL || p->view->upper == NULL || fstat(archive_fd, &st) < 0)
		return;
	if (artifact_layers_save(p->layers_dir, p->job->id, p->view, paths, p->success,
		st.st_size, p->cancel, &layer, &why) < 0)
		log_info("%s; the next job unpacks its artifacts", why.msg);
	artifact_layer_clear(&layer);
}

/* As settings have it: "5 GiB". */
static void
write_size(int64_t bytes, char *out, size_t size)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes;
	size_t u = 0;

	while (n >= 1024 && u + 1 < ARRAY_LEN(units)) {
		n /= 1024;
		u++;
	}
	(void)snprintf(
	    out, size, "%.*f %s", n == (double)(int64_t)n ? 0 : 1, n, units[u]);
}

/* Packing has stopped where the server would: say what there is, and what of it is much.
 */
static int
explain_size(const struct packer *p, const struct strlist *paths, struct error *err)
{
	char limit[32], all[32], large[32];
	int64_t sum = 0, largest = -1;
	const char *which = "";
	size_t files = 0;
	struct stat st;

	for (size_t i = 0; i < paths->count; i++) {
		if (fstatat(p->view->fd, paths->items[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		files++;
		sum += st.st_size;
		if (st.st_size > largest) {
			largest = st.st_size;
			which = paths->items[i];
		}
	}
	write_size(p->job->artifact_max_bytes, limit, sizeof(limit));
	write_size(sum, all, sizeof(all));
	write_size(largest, large, sizeof(large));
	return error_set(err, ERR_LIMIT,
	    "packed they are larger than the %s this server takes: %zu file%s of %s, the "
	    "largest is %.200s (%s). Leave something out of artifacts:paths, or name it "
	    "in artifacts:exclude",
	    limit, files, files == 1 ? "" : "s", all, which, large);
}

static int
pack_entry(struct packer *p, size_t index, struct error *err)
{
	const struct job_artifact *a = &p->job->artifacts[index];
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	cleanup_free char *path = xasprintf("%s/%zu", p->dir, index);
	cleanup_free char *name = base_name(p, a);
	size_t format = format_of(a);
	cleanup_close int fd = -1;
	int rc;

	if (list_files(p, a, &paths, err) < 0)
		return err->code;
	if (paths.count == 0) {
		buf_add_str(p->log, "\033[31;1mERROR: No files to upload\033[0;m\n");
		return 0;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return copy_errno(err, "cannot create", path);
	rc = formats[format].pack(p, &paths, fd, err);
	if (rc == ERR_LIMIT)
		rc = explain_size(p, &paths, err);
	if (rc < 0)
		return error_wrap(
		    err, "artifacts \"%s\"", a->type != NULL ? a->type : name);
	if (a->type == NULL || str_eq(a->type, "archive"))
		keep_layer(p, &paths, fd);
	GROW(p->out->items, p->out->count, p->out->cap);
	p->out->items[p->out->count++] = (struct artifacts_packed){
		.of = a,
		.path = take(path),
		.filename = xasprintf("%s%s", name, formats[format].suffix),
	};
	return 0;
}

int
artifacts_pack(const struct job_payload *job, bool success,
    const struct workspace_view *view, const char *dir, const char *layers_dir,
    const atomic_bool *cancel, struct artifacts_packed_list *out, struct buf *log,
    struct error *err)
{
	struct packer p = { .job = job,
		.view = view,
		.success = success,
		.dir = dir,
		.layers_dir = layers_dir,
		.cancel = cancel,
		.out = out,
		.log = log };
	bool announced = false;

	for (size_t i = 0; i < job->artifact_count; i++) {
		if (!collect_when_fits(job->artifacts[i].when, success))
			continue;
		if (!announced) {
			buf_add_str(log,
			    success ? HEADLINE("Uploading artifacts for successful job")
				    : HEADLINE("Uploading artifacts for failed job"));
			if (path_remove_tree(AT_FDCWD, dir, err) < 0 ||
			    path_mkdirs(dir, 0700, err) < 0)
				return err->code;
		}
		announced = true;
		if (pack_entry(&p, i, err) < 0)
			return err->code;
	}
	return 0;
}
