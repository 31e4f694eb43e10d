/* Unpacking layers side by side: decompressing is what takes the time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/path.h"
#include "executors/container/image_store_internal.h"

#define MAX_THREADS 4
#define LOOK_NS (200 * 1000 * 1000) /* how often the waiting thread looks around */
#define QUIET_LOOKS 25              /* so many without a word */

struct work {
	const struct image_pull *pull;
	const char *tmp;
	const struct image_strings *diff_ids;
	const struct image_blob *blobs;
	atomic_size_t next;
	atomic_bool stop; /* one has failed, or all is canceled */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t threads, done; /* that are at work; layers */
	struct error first;   /* what failed first */
};

int
image_blob_check(const struct image_store *s, const char *digest, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "blobs/sha256/%s", digest + 7);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *block = xmalloc(65536);
	char hex[HASH_SHA256_HEX];
	struct hash h;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? error_set(err, -ESTALE, "%s is gone", path)
				       : error_errno(err, "cannot open %s", path);
	hash_init(&h);
	while ((n = read(fd, block, 65536)) > 0)
		hash_add(&h, block, (size_t)n);
	if (n < 0)
		return error_errno(err, "cannot read %s", path);
	hash_end_hex(&h, hex);
	if (str_eq(hex, digest + 7))
		return 0;
	(void)unlink(path);
	return error_set(
	    err, -ESTALE, "%s was damaged: its digest was sha256:%s", path, hex);
}

static int
unpack_to(const struct work *w, const char *folder, size_t i, struct error *err)
{
	const struct image_store *s = w->pull->store;
	cleanup_free char *fs = path_join(folder, "fs");
	cleanup_free char *mark = path_join(folder, "unsynced");
	cleanup_free char *blob =
	    image_store_path(s, "blobs/sha256/%s", w->blobs[i].digest + 7);
	cleanup_close int in = open(blob, O_RDONLY | O_CLOEXEC), dir = -1;
	struct layer_unpack u = { .blob_digest = w->blobs[i].digest,
		.diff_id = w->diff_ids->items[i],
		.limits = s->settings.limits,
		.cancel = &w->stop };
	struct layer_info info;

	if (in < 0)
		return error_errno(err, "cannot open %s", blob);
	if (mkdir(folder, 0700) < 0 || mkdir(fs, 0755) < 0 || chmod(fs, 0755) < 0)
		return error_errno(err, "cannot make %s", fs);
	dir = open(fs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "cannot open %s", fs);
	u.dir_fd = dir;
	if (layer_unpack(&u, in, &info, err) < 0 ||
	    image_layer_write(folder, &info, err) < 0)
		return err->code;
	return path_write_file(mark, "", 0, 0600, err);
}

/* Complete or not at all. */
static int
unpack_aside(const struct work *w, size_t i, const char *target, struct error *err)
{
	cleanup_free char *folder = xasprintf("%s/layer-%zu", w->tmp, i);
	struct error ignored = ERROR_INIT;
	int rc = unpack_to(w, folder, i, err);

	if (rc == 0 && rename(folder, target) == 0)
		return 0;
	if (rc == 0)
		rc = error_errno(err, "cannot move a layer to %s", target);
	if (path_remove_tree(AT_FDCWD, folder, &ignored) < 0)
		log_warn("%s", ignored.msg);
	if (rc == ERR_INVALID &&
	    image_blob_check(w->pull->store, w->blobs[i].digest, &ignored) == -ESTALE)
		*err = ignored;
	return err->code;
}

static bool
is_whole(const struct image_store *s, const char *diff_id)
{
	cleanup_free char *folder = image_store_path(s, "layers/%s", diff_id + 7);
	struct error ignored = ERROR_INIT;
	struct layer_info info;

	return image_layer_read(folder, &info, &ignored) == 0;
}

static int
unpack_one(const struct work *w, size_t i, struct error *err)
{
	const struct image_store *s = w->pull->store;
	const char *diff_id = w->diff_ids->items[i];
	cleanup_free char *name = xasprintf("layers/%s", diff_id + 7);
	cleanup_free char *target = image_store_path(s, "%s", name);
	cleanup_free char *lock_name = xasprintf("layer-%s", diff_id + 7);
	struct image_lock lock;
	int rc = 0;

	if (is_whole(s, diff_id))
		return 0;
	if (image_lock_begin(s, lock_name, &w->stop, &lock, err) < 0)
		return err->code;
	if (!is_whole(s, diff_id)) { /* nobody else has made it meanwhile */
		rc = image_store_discard(s, name, err);
		if (rc == 0)
			rc = unpack_aside(w, i, target, err);
	}
	image_lock_end(&lock);
	return rc < 0 && rc != ERR_CANCELED && rc != -ESTALE
	    ? error_wrap(
		  err, "layer %zu of %zu (%.19s)", i + 1, w->diff_ids->count, diff_id)
	    : rc;
}

static void *
unpack_some(void *data)
{
	struct work *w = data;
	size_t i;

	while (!atomic_load(&w->stop) &&
	    (i = atomic_fetch_add(&w->next, 1)) < w->diff_ids->count) {
		struct error err = ERROR_INIT;
		int rc = unpack_one(w, i, &err);

		(void)pthread_mutex_lock(&w->mutex);
		w->done += rc == 0;
		if (rc < 0 && w->first.code == 0)
			w->first = err;
		(void)pthread_mutex_unlock(&w->mutex);
		if (rc < 0)
			atomic_store(&w->stop, true);
	}
	(void)pthread_mutex_lock(&w->mutex);
	w->threads--;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* Until the threads are done: pass a cancel on, and say how far it is. */
static void
watch(struct work *w)
{
	struct timespec until;
	unsigned quiet = 0;

	(void)pthread_mutex_lock(&w->mutex);
	while (w->threads > 0) {
		size_t done = w->done;

		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += LOOK_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		(void)pthread_cond_timedwait(&w->changed, &w->mutex, &until);
		if (image_is_canceled(w->pull))
			atomic_store(&w->stop, true);
		if (++quiet < QUIET_LOOKS || w->threads == 0)
			continue;
		quiet = 0;
		(void)pthread_mutex_unlock(&w->mutex);
		image_say(
		    w->pull, "  unpacked %zu of %zu layers", done, w->diff_ids->count);
		(void)pthread_mutex_lock(&w->mutex);
	}
	(void)pthread_mutex_unlock(&w->mutex);
}

static size_t
missing_layers(const struct work *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->diff_ids->count; i++)
		n += !is_whole(w->pull->store, w->diff_ids->items[i]);
	return n;
}

static int
run_threads(struct work *w, struct error *err)
{
	pthread_t ids[MAX_THREADS];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = missing_layers(w), count = 0;

	if (want > MAX_THREADS)
		want = MAX_THREADS;
	if (cpus > 0 && want > (size_t)cpus)
		want = (size_t)cpus;
	if (want == 0)
		return 0;
	w->threads = want; /* before any of them can end */
	while (count < want && pthread_create(&ids[count], NULL, unpack_some, w) == 0)
		count++;
	(void)pthread_mutex_lock(&w->mutex);
	w->threads -= want - count;
	(void)pthread_mutex_unlock(&w->mutex);
	watch(w);
	for (size_t i = 0; i < count; i++)
		(void)pthread_join(ids[i], NULL);
	if (count == 0)
		return error_set(err, ERR_ENVIRONMENT, "cannot start a thread");
	return 0;
}

int
image_unpack_layers(const struct image_pull *p, const char *tmp,
    const struct image_strings *diff_ids, const struct image_blob *blobs,
    struct error *err)
{
	struct work w = { .pull = p, .tmp = tmp, .diff_ids = diff_ids, .blobs = blobs };
	int rc;

	atomic_init(&w.next, 0);
	atomic_init(&w.stop, false);
	(void)pthread_mutex_init(&w.mutex, NULL);
	(void)pthread_cond_init(&w.changed, NULL);
	rc = run_threads(&w, err);
	(void)pthread_cond_destroy(&w.changed);
	(void)pthread_mutex_destroy(&w.mutex);
	if (rc < 0)
		return rc;
	if (image_is_canceled(p))
		return error_set(err, ERR_CANCELED, "canceled");
	if (w.first.code != 0)
		*err = w.first;
	return w.first.code;
}
