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

static void *
sync_until_done(void *data)
{
	struct image_store *s = data;
	bool again = true;

	while (again) {
		struct error err = ERROR_INIT;

		if (image_sync_layers(s, &err) < 0)
			log_warn("%s", err.msg);
		(void)pthread_mutex_lock(&s->mutex);
		again = s->must_sync_again;
		s->must_sync_again = false;
		s->is_syncing = again;
		(void)pthread_mutex_unlock(&s->mutex);
	}
	return NULL;
}

/* Where no thread can be had the marks stay, for the next one or the sweep. */
void
image_sync_start(struct image_store *s)
{
	(void)pthread_mutex_lock(&s->mutex);
	if (s->is_syncing) {
		s->must_sync_again = true;
	} else {
		if (s->has_syncer)
			(void)pthread_join(s->syncer, NULL); /* it has ended */
		s->has_syncer = pthread_create(&s->syncer, NULL, sync_until_done, s) == 0;
		s->is_syncing = s->has_syncer;
	}
	(void)pthread_mutex_unlock(&s->mutex);
}

void
image_sync_end(struct image_store *s)
{
	if (s->has_syncer)
		(void)pthread_join(s->syncer, NULL);
	s->has_syncer = false;
}
