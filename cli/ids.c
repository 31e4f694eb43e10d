/* The counter file: "v 1\npipeline N\njob N\n", changed under a lock. */
#include "cli/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"

#define SPARE_JOBS 1000 /* retries and child pipelines */
#define SPARE_PIPELINES 100

struct counters {
	int64_t pipeline, job;
};

/* An empty file is a new one; one that says something else is not ours to guess at. */
static int
read_counters(int fd, struct counters *out, struct error *err)
{
	struct counters c = { 1, 1 };
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return error_errno(err, "cannot read the ids");
	text[n] = '\0';
	if (n > 0 &&
	    (sscanf(text, "v 1\npipeline %" SCNd64 "\njob %" SCNd64, &c.pipeline,
		 &c.job) != 2 ||
		c.pipeline < 1 || c.job < 1))
		return error_set(
		    err, ERR_INVALID, "damaged; without it, ids begin at 1 again");
	*out = c;
	return 0;
}

static int
write_counters(int fd, struct counters c)
{
	char text[128];
	int n = snprintf(text, sizeof(text),
	    "v 1\npipeline %" PRId64 "\njob %" PRId64 "\n", c.pipeline, c.job);

	if (pwrite(fd, text, (size_t)n, 0) != n)
		return -1;
	return ftruncate(fd, n);
}

static int
open_locked(const char *state_dir, struct error *err)
{
	cleanup_free char *path = path_join(state_dir, "ids");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	if (flock(fd, LOCK_EX) < 0) {
		error_errno(err, "cannot lock %s", path);
		close(fd);
		return -EIO;
	}
	return fd;
}

int
ids_reserve(const char *state_dir, size_t jobs, struct ids *out, struct error *err)
{
	cleanup_close int fd = open_locked(state_dir, err);
	struct counters c;

	if (fd < 0)
		return fd;
	if (read_counters(fd, &c, err) < 0)
		return error_wrap(err, "%s/ids", state_dir);
	*out = (struct ids){ c.pipeline, c.job, c.pipeline + SPARE_PIPELINES,
		c.job + (int64_t)jobs * 4 + SPARE_JOBS };
	c = (struct counters){ out->pipeline_end, out->job_end };
	if (write_counters(fd, c) < 0)
		return error_errno(err, "cannot write %s/ids", state_dir);
	return 0;
}

void
ids_give_back(const char *state_dir, const struct ids *ids, int64_t pipeline, int64_t job)
{
	cleanup_close int fd = open_locked(state_dir, NULL);
	struct counters c;

	if (fd < 0)
		return;
	if (read_counters(fd, &c, NULL) < 0)
		return;
	if (c.pipeline == ids->pipeline_end && c.job == ids->job_end &&
	    write_counters(fd, (struct counters){ pipeline, job }) < 0)
		return; /* only a gap */
}
