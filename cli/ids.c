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

static struct counters
read_counters(int fd)
{
	struct counters c = { 1, 1 };
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	int64_t pipeline, job;

	if (n <= 0)
		return c;
	text[n] = '\0';
	if (sscanf(text, "v 1\npipeline %" SCNd64 "\njob %" SCNd64, &pipeline, &job) ==
		2 &&
	    pipeline > 0 && job > 0)
		c = (struct counters){ pipeline, job };
	return c;
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
	c = read_counters(fd);
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
	c = read_counters(fd);
	if (c.pipeline == ids->pipeline_end && c.job == ids->job_end &&
	    write_counters(fd, (struct counters){ pipeline, job }) < 0)
		return; /* only a gap */
}
