/* Uploaded files and their places. */
#include "scheduler/artifact_store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/path.h"
#include "scheduler/settings.h"

#define JOBS_PER_FOLDER 1000
#define MAX_TYPE 64

struct artifact_upload {
	char *path, *tmp;
	int fd;
	int64_t size, max;
	struct hash hash;
};

static char *
job_dir(const char *dir, int64_t job)
{
	return xasprintf("%s/%" PRId64 "/%" PRId64, dir, job / JOBS_PER_FOLDER, job);
}

char *
artifact_store_path(const char *dir, int64_t job, const char *type)
{
	cleanup_free char *folder = job_dir(dir, job);

	return path_join(folder, type);
}

static bool
is_type(const char *type)
{
	size_t n = strlen(type);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)type[i]) && type[i] != '_')
			return false;
	return n > 0 && n <= MAX_TYPE;
}

static int
disk_error(struct error *err, const char *path)
{
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return error_set(err, ERR_ENVIRONMENT,
		    "cannot keep the artifact: the server's disk is full");
	return error_errno(err, "cannot write %s", path);
}

int
artifact_upload_begin(const char *dir, int64_t job, const char *type, int64_t max_bytes,
    struct artifact_upload **out, struct error *err)
{
	cleanup_free char *folder = job_dir(dir, job);
	struct artifact_upload *u;

	if (!is_type(type))
		return error_set(
		    err, ERR_INVALID, "artifact_type: there is no type \"%s\"", type);
	if (path_mkdirs(folder, 0700, err) < 0)
		return err->code;
	u = xcalloc(1, sizeof(*u));
	u->path = path_join(folder, type);
	u->tmp = xasprintf("%s.XXXXXX", u->path);
	u->max = max_bytes;
	hash_init(&u->hash);
	u->fd = mkostemp(u->tmp, O_CLOEXEC);
	if (u->fd < 0) {
		disk_error(err, u->tmp);
		artifact_upload_free(u);
		return err->code;
	}
	*out = u;
	return 0;
}

int
artifact_upload_write(
    struct artifact_upload *u, const void *data, size_t len, struct error *err)
{
	char limit[SETTINGS_SIZE_WORDS];

	if (u->max > 0 && u->size + (int64_t)len > u->max)
		return error_set(err, ERR_LIMIT,
		    "the artifact is larger than the %s this server takes",
		    settings_size(u->max, limit));
	if (path_write_fd(u->fd, data, len) < 0)
		return disk_error(err, u->tmp);
	hash_add(&u->hash, data, len);
	u->size += (int64_t)len;
	return 0;
}

int
artifact_upload_finish(struct artifact_upload *u, int64_t *size,
    unsigned char sha256[HASH_SHA256_BYTES], struct error *err)
{
	int rc = close(take_fd(&u->fd));

	if (rc < 0 || rename(u->tmp, u->path) < 0)
		return disk_error(err, u->path);
	free(take(u->tmp));
	*size = u->size;
	hash_end(&u->hash, sha256);
	return 0;
}

void
artifact_upload_free(struct artifact_upload *u)
{
	if (u == NULL)
		return;
	if (u->fd >= 0)
		close(u->fd);
	if (u->tmp != NULL)
		(void)unlink(u->tmp);
	free(u->tmp);
	free(u->path);
	free(u);
}

int
artifact_store_open(const char *dir, int64_t job, const char *type, int *fd,
    int64_t *size, struct error *err)
{
	cleanup_free char *path = artifact_store_path(dir, job, type);
	cleanup_close int file = -1;
	struct stat st;

	if (!is_type(type) || (file = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return error_set(err, ERR_MISSING,
		    "job %" PRId64 " has no artifact of type %s", job, type);
	if (fstat(file, &st) < 0)
		return error_errno(err, "cannot look at %s", path);
	*size = st.st_size;
	*fd = take_fd(&file);
	return 0;
}

int
artifact_store_read(const char *dir, int64_t job, const char *path, size_t max,
    struct buf *out, struct error *err)
{
	cleanup_close int fd = -1;
	int64_t size;

	if (artifact_store_open(dir, job, "archive", &fd, &size, err) < 0)
		return err->code;
	return archive_read_file(fd, path, max, out, err);
}

void
artifact_store_remove(const char *dir, int64_t job, const char *type)
{
	cleanup_free char *path = artifact_store_path(dir, job, type);
	cleanup_free char *folder = job_dir(dir, job);

	(void)unlink(path);
	(void)rmdir(folder); /* if it was the last one */
}
