/* Room by statvfs() while all is well; afterwards a file of its own is the proof. */
#include "scheduler/disk_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "base/path.h"

#define ROOM_BYTES (1 << 20) /* less is full: a commit may need as much */
#define LOOK_MS 10000
#define AGAIN_MS 1000
#define CALM_MS 3000 /* without a failure, before it is believed that all is well */

struct disk_watch {
	uv_timer_t timer;
	const char *dir;
	char problem[ERROR_MAX]; /* "": none */
	uint64_t since_ms, failed_ms;
};

/* Some file systems count nothing, or no files. */
static int
check_room(const struct disk_watch *w, struct error *err)
{
	struct statvfs fs;
	fsblkcnt_t blocks;

	if (statvfs(w->dir, &fs) < 0)
		return error_errno(err, "cannot look at %s", w->dir);
	blocks = geteuid() == 0 ? fs.f_bfree : fs.f_bavail;
	if (fs.f_blocks > 0 && blocks * fs.f_frsize < ROOM_BYTES)
		return error_set(err, ERR_ENVIRONMENT, "the disk of %s is full", w->dir);
	if (fs.f_files > 0 && fs.f_ffree == 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "the disk of %s has no room for more files", w->dir);
	return 0;
}

/* A quota or a disk that fails shows only to who writes. */
static int
check_writes(const struct disk_watch *w, struct error *err)
{
	cleanup_free char *path = path_join(w->dir, "room.tmp");
	cleanup_close int fd = -1;
	int rc;

	if (check_room(w, err) < 0)
		return err->code;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	rc = fd < 0 ? errno : posix_fallocate(fd, 0, ROOM_BYTES);
	if (fd >= 0)
		(void)unlink(path);
	errno = rc;
	return rc == 0 ? 0 : error_errno(err, "cannot write to %s", w->dir);
}

static void on_timer(uv_timer_t *timer);

static void
begin_trouble(struct disk_watch *w, const struct error *err)
{
	const struct log_about about = { .status = "failing" };

	w->failed_ms = uv_now(w->timer.loop);
	(void)snprintf(w->problem, sizeof(w->problem), "%s", err->msg);
	uv_timer_start(&w->timer, on_timer, AGAIN_MS, AGAIN_MS);
	if (w->since_ms != 0)
		return;
	w->since_ms = w->failed_ms;
	log_event(LOG_ERROR, &about,
	    "writes fail: %s; reads go on, and what was to be written is kept and tried "
	    "again",
	    w->problem);
}

static void
end_trouble(struct disk_watch *w)
{
	const struct log_about about = { .status = "working",
		.duration_ms = (int64_t)(uv_now(w->timer.loop) - w->since_ms) };

	w->problem[0] = '\0';
	w->since_ms = 0;
	uv_timer_start(&w->timer, on_timer, LOOK_MS, LOOK_MS);
	log_event(LOG_INFO, &about, "writes work again");
}

static void
look(struct disk_watch *w)
{
	struct error err = ERROR_INIT;

	if (w->since_ms == 0 && check_room(w, &err) == 0)
		return;
	if (w->since_ms == 0 || check_writes(w, &err) < 0)
		begin_trouble(w, &err);
	else if (uv_now(w->timer.loop) - w->failed_ms >= CALM_MS)
		end_trouble(w);
}

static void
on_timer(uv_timer_t *timer)
{
	look(timer->data);
}

struct disk_watch *
disk_watch_start(struct uv_loop_s *loop, const char *dir)
{
	struct disk_watch *w = xcalloc(1, sizeof(*w));

	w->dir = dir;
	uv_timer_init(loop, &w->timer);
	w->timer.data = w;
	uv_unref((uv_handle_t *)&w->timer);
	uv_timer_start(&w->timer, on_timer, LOOK_MS, LOOK_MS);
	return w;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
disk_watch_stop(struct disk_watch *w)
{
	if (w != NULL)
		uv_close((uv_handle_t *)&w->timer, on_closed);
}

void
disk_watch_failed(struct disk_watch *w, const struct error *err)
{
	begin_trouble(w, err);
}

const char *
disk_watch_problem(struct disk_watch *w)
{
	if (w->since_ms == 0)
		look(w);
	return w->since_ms == 0 ? NULL : w->problem;
}
