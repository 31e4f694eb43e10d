/* A layer made of chosen files. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/map.h"
#include "base/path.h"
#include "runner/layers.h"

struct folder {
	char *path;
	struct timespec mtime;
	mode_t mode;
};

struct picking {
	struct layers_pick *p;
	struct copier copier;
	struct map linked; /* "DEVICE:INODE" of hard links → where it lies, malloced */
	struct map made;   /* folders */
	char *last;        /* the folder of the file before */
	int last_from, last_to; /* where it is linked from and to; -1: not open */
	struct folder *folders;
	size_t folder_count, folder_cap;
};

static struct timespec
time_for(const struct layers_pick *p, const struct timespec *ts, bool is_file)
{
	int64_t t = layers_ns(ts);

	if (t > p->after_ns)
		t += p->shift_ns;
	if (is_file && t < p->not_before_ns)
		t = p->not_before_ns;
	return layers_timespec(t);
}

/* ---- folders --------------------------------------------------------------- */

/* One folder whose parents are there. */
static int
make_folder(struct picking *k, const char *path, struct error *err)
{
	struct stat st;

	if (map_has(&k->made, path))
		return 0;
	if (fstatat(k->p->modes_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot read %s", path);
	if (mkdirat(k->p->to_fd, path, 0700) < 0 && errno != EEXIST)
		return copy_errno(err, "cannot create folder", path);
	map_set(&k->made, path, k);
	GROW(k->folders, k->folder_count, k->folder_cap);
	k->folders[k->folder_count++] = (struct folder){ xstrdup(path),
		time_for(k->p, &st.st_mtim, false), st.st_mode & 0777 };
	return 0;
}

static void
forget_last(struct picking *k)
{
	cleanup_close_fd(&k->last_from);
	cleanup_close_fd(&k->last_to);
	k->last_from = k->last_to = -1;
	free(take(k->last));
}

/* Paths come sorted: most lie where the one before did. */
static bool
is_in_last(struct picking *k, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (k->last != NULL && strlen(k->last) == len && memcmp(k->last, path, len) == 0)
		return true;
	forget_last(k);
	k->last = xstrndup(path, len);
	return false;
}

static int
make_parents(struct picking *k, const char *path, struct error *err)
{
	if (is_in_last(k, path))
		return 0;
	for (const char *slash = strchr(path, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		cleanup_free char *parent = xstrndup(path, (size_t)(slash - path));

		if (make_folder(k, parent, err) < 0)
			return err->code;
	}
	return 0;
}

static int
finish_folders(struct picking *k, int rc, struct error *err)
{
	while (k->folder_count > 0) {
		struct folder *f = &k->folders[--k->folder_count];
		const struct timespec times[2] = { f->mtime, f->mtime };

		if (rc == 0 &&
		    (fchmodat(k->p->to_fd, f->path, f->mode, 0) < 0 ||
			utimensat(k->p->to_fd, f->path, times, AT_SYMLINK_NOFOLLOW) < 0))
			rc = copy_errno(err, "cannot finish folder", f->path);
		free(f->path);
	}
	free(k->folders);
	return rc;
}

/* ---- files ----------------------------------------------------------------- */

/* Of many files in one folder each would be looked for from the top. */
static void
open_last(struct picking *k)
{
	const char *folder = *k->last == '\0' ? "." : k->last;

	if (k->last_from >= 0 && k->last_to >= 0)
		return;
	cleanup_close_fd(&k->last_from);
	k->last_from = openat(k->p->link_fd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (k->last_from >= 0)
		k->last_to =
		    openat(k->p->to_fd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The file itself, from where the job has put it; st gets what it is. One that gives
 * rights to whoever runs it is copied, without them. */
static bool
try_link(struct picking *k, const char *path, struct stat *st)
{
	struct layers_pick *p = k->p;
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;

	if (p->link_fd < 0)
		return false;
	open_last(k);
	if (k->last_to < 0 || fstatat(k->last_from, name, st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !(S_ISREG(st->st_mode) || S_ISLNK(st->st_mode)) ||
	    (st->st_mode & (S_ISUID | S_ISGID)) != 0)
		return false;
	if (linkat(k->last_from, name, k->last_to, name, 0) == 0)
		return true;
	if (errno == EXDEV)
		p->link_fd = -1;
	return false;
}

/* Another name of what has been picked already. */
static bool
is_hard_link(struct picking *k, const char *path, const struct stat *st)
{
	char key[48];
	const char *first;

	if (st->st_nlink < 2 || !S_ISREG(st->st_mode))
		return false;
	(void)snprintf(
	    key, sizeof(key), "%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	first = map_get(&k->linked, key);
	if (first != NULL)
		return linkat(k->p->to_fd, first, k->p->to_fd, path, 0) == 0;
	map_set(&k->linked, key, xstrdup(path));
	return false;
}

static void
note(struct layers_pick *p, const struct stat *st, int64_t time_ns)
{
	p->files++;
	p->disk_bytes += ((uint64_t)st->st_size | 4095) + 1;
	p->bytes += S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	if (time_ns < p->oldest_ns)
		p->oldest_ns = time_ns;
	if (time_ns > p->newest_ns)
		p->newest_ns = time_ns;
}

static int
finish_link(struct picking *k, const char *path, const struct stat *st, struct error *err)
{
	const struct timespec when = time_for(k->p, &st->st_mtim, true);
	const struct timespec times[2] = { when, when };

	if (layers_ns(&when) != layers_ns(&st->st_mtim) &&
	    utimensat(k->p->to_fd, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_errno(err, "cannot set the time of", path);
	note(k->p, st, layers_ns(&when));
	return 0;
}

static int
copy_one(struct picking *k, const char *path, const struct stat *st, struct error *err)
{
	const struct timespec when = time_for(k->p, &st->st_mtim, true);
	int rc = 0;

	k->copier.mtime = &when;
	if (!is_hard_link(k, path, st))
		rc = copy_file(&k->copier, k->p->from_fd, k->p->to_fd, path, NULL, err);
	k->copier.mtime = NULL;
	if (rc < 0)
		return rc == ERR_MISSING ? 0 : rc;
	note(k->p, st, layers_ns(&when));
	return 0;
}

static int
pick(struct picking *k, const char *path, struct error *err)
{
	struct stat st;

	if (k->p->cancel != NULL && atomic_load(k->p->cancel))
		return error_set(err, ERR_CANCELED, "canceled");
	if (make_parents(k, path, err) < 0)
		return err->code;
	if (try_link(k, path, &st))
		return finish_link(k, path, &st, err);
	if (fstatat(k->p->from_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot read %s", path);
	if (S_ISDIR(st.st_mode))
		return make_folder(k, path, err);
	if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
		return copy_one(k, path, &st, err);
	if (!layers_is_whiteout(&st))
		return 0;
	k->p->has_whiteouts = true;
	if (mknodat(k->p->to_fd, path, S_IFCHR, 0) < 0)
		return copy_errno(err, "cannot mark as gone:", path);
	return 0;
}

/* ---- together -------------------------------------------------------------- */

enum { MAX_SLICES = 4, SLICE_FILES = 1000 };

/* Some of the paths, one after the other. Slices share the folder to fill, else nothing:
 * a folder that two of them need is made, and finished, by both. */
struct slice {
	struct layers_pick p; /* what is asked for, and what was found */
	struct picking k;
	size_t from, to;
	pthread_t thread;
	struct error err;
	int rc;
};

static void *
pick_slice(void *arg)
{
	struct slice *s = arg;

	for (size_t i = s->from; s->rc == 0 && i < s->to; i++)
		s->rc = pick(&s->k, s->p.paths->items[i], &s->err);
	return NULL;
}

/* To link waits for the kernel alone, and folders do not wait for each other. Copies are
 * one thread's work: which of them are hard links of each other is known to that one. */
static size_t
slices_for(struct layers_pick *p)
{
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = p->paths->count / SLICE_FILES;
	struct stat from, to;

	if (p->link_fd < 0 || fstat(p->link_fd, &from) < 0 || fstat(p->to_fd, &to) < 0)
		return 1;
	if (from.st_dev != to.st_dev) {
		p->link_fd = -1;
		return 1;
	}
	if (most > MAX_SLICES)
		most = MAX_SLICES;
	if (processors > 0 && most > (size_t)processors)
		most = (size_t)processors;
	return most == 0 ? 1 : most;
}

/* All but the first by threads of their own; where there is none, one after the other. */
static void
pick_all(struct slice *slices, size_t count)
{
	size_t started = 1;

	while (started < count &&
	    pthread_create(&slices[started].thread, NULL, pick_slice, slices + started) ==
		0)
		started++;
	pick_slice(&slices[0]);
	for (size_t i = started; i < count; i++)
		pick_slice(&slices[i]);
	for (size_t i = 1; i < started; i++)
		pthread_join(slices[i].thread, NULL);
}

static void
add_found(struct layers_pick *p, const struct layers_pick *found)
{
	p->files += found->files;
	p->bytes += found->bytes;
	p->disk_bytes += found->disk_bytes;
	p->has_whiteouts = p->has_whiteouts || found->has_whiteouts;
	if (found->oldest_ns < p->oldest_ns)
		p->oldest_ns = found->oldest_ns;
	if (found->newest_ns > p->newest_ns)
		p->newest_ns = found->newest_ns;
}

static int
finish_slice(struct slice *s)
{
	s->rc = finish_folders(&s->k, s->rc, &s->err);
	map_for_each(e, &s->k.linked)
		free(e->value);
	map_clear(&s->k.linked);
	map_clear(&s->k.made);
	forget_last(&s->k);
	return s->rc;
}

int
layers_pick(struct layers_pick *p, struct error *err)
{
	struct slice slices[MAX_SLICES];
	const size_t n = slices_for(p), paths = p->paths->count;
	int rc = 0;

	p->files = 0;
	p->bytes = p->disk_bytes = 0;
	p->has_whiteouts = false;
	p->oldest_ns = INT64_MAX;
	p->newest_ns = INT64_MIN;
	for (size_t i = 0; i < n; i++) {
		slices[i] = (struct slice){ .p = *p,
			.k = { .p = &slices[i].p, .last_from = -1, .last_to = -1 },
			.from = paths * i / n,
			.to = paths * (i + 1) / n,
			.err = ERROR_INIT };
	}
	pick_all(slices, n);
	for (size_t i = 0; i < n; i++) {
		if (finish_slice(&slices[i]) < 0 && rc == 0) {
			rc = slices[i].rc;
			*err = slices[i].err;
		}
		add_found(p, &slices[i].p);
	}
	return rc;
}
