/* Bearing with registries: those that are busy, those that stall, and telling how far a
 * long transfer is. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "executors/container/image_store_internal.h"

#define DEFAULT_BUSY_S 600
#define DEFAULT_STALL_S 120
#define FIRST_PAUSE_S 5 /* skopeo itself has waited for a minute by then */
#define MAX_PAUSE_S 60
#define SAY_MS 2000 /* at most so often */

/* One run of skopeo, or several for a busy registry. */
struct asking_run {
	const struct image_pull *pull;
	const struct image_place *at;
	const struct image_transfer *transfer; /* NULL: a manifest */
	int64_t busy_until_ms;                 /* bearing with it for so long */
	int64_t moved_ms, said_ms;
	uint64_t bytes, said_bytes;
	bool has_stalled, is_too_busy;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
image_place_clear(struct image_place *at)
{
	free(at->repository);
	free(at->registry);
	buf_clear(&at->auth);
}

/* ---- how far it is */

static uint64_t
file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

/* What skopeo has begun lies in the layout until it is whole. */
static uint64_t
begun_bytes(const char *layout)
{
	cleanup_closedir DIR *dir = opendir(layout);
	uint64_t sum = 0;
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (str_starts(e->d_name, "oci-put-blob")) {
			cleanup_free char *path = xasprintf("%s/%s", layout, e->d_name);

			sum += file_size(path);
		}
	return sum;
}

static void
say_progress(struct asking_run *r, size_t done, uint64_t total)
{
	int64_t now = now_ms();

	if (r->bytes == r->said_bytes || now - r->said_ms < SAY_MS)
		return;
	r->said_ms = now;
	r->said_bytes = r->bytes;
	if (r->transfer->blobs == NULL)
		image_say(r->pull, "  %.1f MB", (double)r->bytes / 1e6);
	else
		image_say(r->pull, "  %zu of %zu layers, %.1f of %.1f MB", done,
		    r->transfer->blob_count, (double)r->bytes / 1e6, (double)total / 1e6);
}

static void
measure(struct asking_run *r)
{
	const struct image_transfer *t = r->transfer;
	uint64_t bytes = begun_bytes(t->layout), total = 0;
	size_t done = 0;

	for (size_t i = 0; i < t->blob_count; i++) {
		cleanup_free char *path = image_store_path(
		    r->pull->store, "blobs/sha256/%s", t->blobs[i].digest + 7);
		uint64_t size = file_size(path);

		bytes += size;
		total += (uint64_t)t->blobs[i].size;
		done += size > 0;
	}
	if (bytes != r->bytes)
		r->moved_ms = now_ms();
	r->bytes = bytes;
	say_progress(r, done, total);
}

static bool
on_tick(void *data)
{
	struct asking_run *r = data;
	int stall_s = r->pull->store->settings.stall_wait_s;

	if (image_is_canceled(r->pull))
		return false;
	if (r->is_too_busy)
		return false;
	if (r->transfer == NULL)
		return true;
	measure(r);
	if (stall_s == 0)
		stall_s = DEFAULT_STALL_S;
	r->has_stalled =
	    r->at->registry != NULL && now_ms() - r->moved_ms > (int64_t)stall_s * 1000;
	return !r->has_stalled;
}

/* ---- busy registries */

static void
on_busy(double seconds, void *data)
{
	struct asking_run *r = data;
	int64_t wait_ms;

	/* it is a stranger's number */
	seconds = seconds >= 0 && seconds < 1e6 ? seconds : 1e6;
	wait_ms = (int64_t)(seconds * 1000);
	image_say(r->pull, "%s is asked too often (429): waiting %.0f s", r->at->registry,
	    seconds);
	r->moved_ms = now_ms() + wait_ms;
	r->is_too_busy = r->moved_ms > r->busy_until_ms;
}

/* Sleep, unless canceled; false: the time for that is over. */
static bool
pause_for(const struct asking_run *r, int seconds)
{
	const struct timespec step = { .tv_nsec = 100 * 1000 * 1000 };
	int64_t end = now_ms() + (int64_t)seconds * 1000;

	if (end > r->busy_until_ms)
		return false;
	image_say(r->pull, "%s is asked too often (429): waiting %d s", r->at->registry,
	    seconds);
	while (now_ms() < end && !image_is_canceled(r->pull))
		(void)nanosleep(&step, NULL);
	return true;
}

static int
run_once(
    struct asking_run *r, const struct image_fetch *f, struct buf *out, struct error *err)
{
	cleanup_free char *blobs = image_store_path(r->pull->store, "blobs");
	int rc;

	r->moved_ms = now_ms();
	rc = r->transfer == NULL ? image_fetch_manifest(f, out, err)
				 : image_fetch_copy(f, r->transfer->layout, blobs, err);
	if (rc != ERR_CANCELED || image_is_canceled(r->pull))
		return rc;
	if (r->is_too_busy)
		return error_set(err, -EBUSY,
		    "%s is asked too often (429), and wants more time than pawl gives it",
		    r->at->registry);
	return error_set(err, -EHOSTUNREACH, "%s has stopped sending %s", r->at->registry,
	    r->pull->text);
}

static int
ask(struct asking_run *r, const char *digest, struct buf *out, struct error *err)
{
	const struct image_store_settings *s = &r->pull->store->settings;
	cleanup_free char *source =
	    image_name_source(r->pull->name, r->at->repository, digest);
	struct image_fetch f = { .skopeo = s->skopeo == NULL ? "skopeo" : s->skopeo,
		.source = source,
		.image = r->pull->text,
		.registry = r->at->registry,
		.platform = &r->pull->want,
		.auth = buf_str(&r->at->auth),
		.is_insecure = r->at->is_insecure,
		.on_tick = on_tick,
		.on_busy = on_busy,
		.data = r };
	int pause = FIRST_PAUSE_S, rc;

	r->busy_until_ms = now_ms() +
	    (int64_t)(s->busy_wait_s == 0 ? DEFAULT_BUSY_S : s->busy_wait_s) * 1000;
	while ((rc = run_once(r, &f, out, err)) == -EBUSY && !r->is_too_busy &&
	    pause_for(r, pause)) {
		if (out != NULL)
			buf_reset(out);
		pause = pause * 2 < MAX_PAUSE_S ? pause * 2 : MAX_PAUSE_S;
	}
	return rc;
}

int
image_ask_manifest(const struct image_pull *p, const struct image_place *at,
    const char *digest, struct buf *out, struct error *err)
{
	struct asking_run r = { .pull = p, .at = at };

	return ask(&r, digest, out, err);
}

int
image_ask_copy(const struct image_pull *p, const struct image_place *at,
    const char *digest, const struct image_transfer *t, struct error *err)
{
	struct asking_run r = { .pull = p, .at = at, .transfer = t, .said_ms = now_ms() };

	return ask(&r, digest, NULL, err);
}
