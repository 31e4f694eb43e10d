/*
 * Layers reach the disk some time after they were unpacked. Waiting for that would hold
 * up the job that brought them; so they are marked until a thread of the store has seen
 * to it, and who opens the store after the machine was started again throws marked ones
 * away.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "executors/container/image_store_internal.h"

static int
gather_unsynced(
    const struct image_store *s, const char *name, void *data, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "%s/unsynced", name);

	(void)err;
	if (access(path, F_OK) == 0)
		strlist_add_take(data, take(path));
	return 0;
}

int
image_sync_layers(const struct image_store *s, struct error *err)
{
	cleanup_strlist struct strlist marks = STRLIST_INIT;
	cleanup_close int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (image_store_each(s, "layers", gather_unsynced, &marks, err) < 0)
		return err->code;
	if (marks.count == 0)
		return 0;
	if (fd < 0 || syncfs(fd) < 0)
		return error_errno(err, "cannot sync %s", s->dir);
	for (size_t i = 0; i < marks.count; i++)
		(void)unlink(marks.items[i]);
	return 0;
}

static int
remove_what_is_too_much(struct image_store *s, struct error *err)
{
	uint64_t high = s->settings.registries.high_bytes;

	return high == 0
	    ? 0
	    : image_store_sweep(s, high, high / 5 * 4, NULL, NULL, NULL, err);
}

static void *
tidy_until_done(void *data)
{
	struct image_store *s = data;
	bool again = true;

	while (again) {
		struct error err = ERROR_INIT;

		if (image_sync_layers(s, &err) < 0 ||
		    remove_what_is_too_much(s, &err) < 0)
			log_warn("%s", err.msg);
		(void)pthread_mutex_lock(&s->mutex);
		again = s->must_tidy_again;
		s->must_tidy_again = false;
		s->is_tidying = again;
		(void)pthread_mutex_unlock(&s->mutex);
	}
	return NULL;
}

/* Where no thread can be had the marks stay, for the next one or the sweep. */
void
image_tidy_start(struct image_store *s)
{
	(void)pthread_mutex_lock(&s->mutex);
	if (s->is_tidying) {
		s->must_tidy_again = true;
	} else {
		if (s->has_tidier)
			(void)pthread_join(s->tidier, NULL); /* it has ended */
		s->has_tidier = pthread_create(&s->tidier, NULL, tidy_until_done, s) == 0;
		s->is_tidying = s->has_tidier;
	}
	(void)pthread_mutex_unlock(&s->mutex);
}

void
image_tidy_end(struct image_store *s)
{
	if (s->has_tidier)
		(void)pthread_join(s->tidier, NULL);
	s->has_tidier = false;
}
