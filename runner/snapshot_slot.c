/* Slots for snapshots. */
#include "runner/snapshot_slot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"

#define MAX_SLOTS 64 /* runs of one repository at the same time */
#define KEEP_S (7 * 24 * 3600)

#define LOCK "lock" /* of the run that fills it */
#define USE "use"   /* of what it is needed for, maybe after the run */

/* The lock's descriptor, -1 when another holds it (err untouched) or on an error. */
static int
try_file(const char *dir, const char *name, struct error *err)
{
	cleanup_free char *file = path_join(dir, name);
	cleanup_close int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		error_errno(err, "cannot create %s", file);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return take_fd(&fd);
	if (errno != EWOULDBLOCK)
		error_errno(err, "cannot lock %s", file);
	return -1;
}

/* Whoever needs the slot for longer than a run has said so while the run was there. */
static int
try_lock(const char *dir, struct error *err)
{
	cleanup_close int run = try_file(dir, LOCK, err), use = -1;

	if (run < 0)
		return -1;
	use = try_file(dir, USE, err);
	return use < 0 ? -1 : take_fd(&run);
}

int
slot_take(const char *scratch_dir, struct slot *out, struct error *err)
{
	struct error why = ERROR_INIT;

	for (int i = 0; i < MAX_SLOTS; i++) {
		cleanup_free char *dir = xasprintf("%s/snapshots/%d", scratch_dir, i);
		cleanup_free char *use = path_join(dir, USE);
		int fd;

		if (path_mkdirs(dir, 0700, err) < 0)
			return err->code;
		fd = try_lock(dir, &why);
		if (fd >= 0) {
			futimens(fd, NULL); /* when it was last used */
			*out = (struct slot){ take(dir), fd, take(use) };
			return 0;
		}
		if (why.code != 0) {
			*err = why;
			return err->code;
		}
	}
	return error_set(err, ERR_ENVIRONMENT,
	    "%d runs of this repository are going on: wait for one to end", MAX_SLOTS);
}

void
slot_clear(struct slot *slot)
{
	if (slot->lock_fd >= 0)
		close(slot->lock_fd);
	free(slot->dir);
	free(slot->use_lock);
	*slot = (struct slot)SLOT_INIT;
}

/* The lock file stays: removing it could take it from under somebody waiting for it. */
static void
empty(const char *dir)
{
	static const char *const parts[] = { "manifest", "git", "tree" };
	struct error ignored = ERROR_INIT;
	cleanup_close int lock = try_lock(dir, &ignored);

	for (size_t i = 0; lock >= 0 && i < ARRAY_LEN(parts); i++) {
		cleanup_free char *path = path_join(dir, parts[i]);

		if (path_remove_tree(AT_FDCWD, path, &ignored) < 0)
			return; /* the manifest went first: the rest is never trusted */
	}
}

void
slot_sweep(const char *scratch_dir)
{
	time_t now = time(NULL);

	for (int i = 0; i < MAX_SLOTS; i++) {
		cleanup_free char *dir = xasprintf("%s/snapshots/%d", scratch_dir, i);
		cleanup_free char *lock = path_join(dir, "lock");
		cleanup_free char *tree = path_join(dir, "tree");
		struct stat st;

		if (stat(lock, &st) < 0)
			return; /* slots are made in order */
		if (now - st.st_mtime > KEEP_S && access(tree, F_OK) == 0)
			empty(dir);
	}
}
