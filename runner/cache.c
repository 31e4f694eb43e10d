/*
 * The local store of caches. In an archive times are shifted so that the newest is
 * CACHE_NEWEST_NS; unpacking shifts them again, below the oldest source file. So a
 * cache never looks newer than a source, and make never takes its content for up to date.
 */
#include "runner/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/copy.h"
#include "base/path.h"
#include "runner/cache_internal.h"
#include "runner/collect.h"
#include "runner/layers.h"

#define FILE_NAME "cache.tar.zst"
#define SEAL_NAME "seal" /* what the archive is, and of which state of the files */

/* ---- restoring ------------------------------------------------------------- */

int64_t
cache_restore_shift(const struct workspace_view *view, int64_t newest_ns)
{
	if (view->snapshot == NULL)
		return 0;
	return snapshot_oldest_ns(view->snapshot) - CACHE_NS - newest_ns;
}

bool
cache_has_set(const struct cache_store *s, const char *key)
{
	cleanup_free char *set = cache_file(s, key, LAYER_SET_NAME);
	cleanup_free char *archive = cache_file(s, key, FILE_NAME);
	struct stat ours, theirs;

	if (stat(set, &ours) < 0)
		return false;
	return stat(archive, &theirs) < 0 ||
	    layers_ns(&ours.st_mtim) >= layers_ns(&theirs.st_mtim);
}

static void
remove_made(const struct cache_store *s, const struct strlist *made)
{
	struct error ignored = ERROR_INIT;

	for (size_t i = 0; i < made->count; i++)
		if (path_remove_tree(s->view->fd, made->items[i], &ignored) < 0)
			buf_printf(s->log, CACHE_WARNING "%s" CACHE_END, ignored.msg);
}

static bool
unpack(const struct cache_store *s, const char *key)
{
	cleanup_free char *path = cache_file(s, key, FILE_NAME);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_strlist struct strlist made = STRLIST_INIT;
	struct archive_totals totals = { 0, 0 };
	struct error err = ERROR_INIT;
	struct archive_unpack u = { .dir_fd = s->view->fd,
		.shift_ns = cache_restore_shift(s->view, CACHE_NEWEST_NS),
		.not_before_ns = INT64_MIN,
		.cancel = s->cancel,
		.log = s->log,
		.made = &made };

	if (fd < 0) {
		buf_printf(s->log,
		    errno == ENOENT ? "No cache for %s\n"
				    : CACHE_WARNING "cannot read the cache %s" CACHE_END,
		    key);
		return false;
	}
	(void)utimensat(AT_FDCWD, path, NULL, 0); /* its last use */
	if (archive_unpack(&u, fd, &totals, &err) == 0) {
		buf_add_str(s->log, "Successfully extracted cache\n");
		return true;
	}
	remove_made(s, &made);
	if (err.code == ERR_INVALID)
		unlink(path);
	buf_printf(
	    s->log, CACHE_WARNING "Failed to extract cache: %s" CACHE_END, err.msg);
	return false;
}

/* False when it is missing or damaged: then the next key is tried. */
static bool
restore_key(const struct cache_store *s, const char *key, void *data UNUSED)
{
	buf_printf(s->log, "Checking cache for %s...\n", key);
	return cache_has_set(s, key) ? cache_copy_set(s, key) : unpack(s, key);
}

void
cache_restore(const struct job_payload *job, const struct workspace_view *view,
    const char *store_dir, const struct cache_mounts *mounts, const atomic_bool *cancel,
    struct buf *log)
{
	const struct cache_store s = { .job = job,
		.view = view,
		.dir = store_dir,
		.mounts = mounts,
		.cancel = cancel,
		.log = log };
	bool announced = mounts != NULL && mounts->announced;

	for (size_t i = 0; i < job->cache_count; i++) {
		const struct job_cache *c = &job->caches[i];

		if ((mounts != NULL && i < mounts->count && mounts->entries[i].is_done) ||
		    !cache_is_wanted(&s, c, "pull"))
			continue;
		if (!announced)
			buf_add_str(log, CACHE_HEADLINE("Restoring cache"));
		announced = true;
		cache_try_keys(&s, c, restore_key, NULL);
	}
}

/* ---- saving ---------------------------------------------------------------- */

struct looked {
	int64_t mtime_ns;
	off_t size;
	mode_t mode; /* 0: it is gone */
};

static struct looked *
look(int fd, const struct strlist *paths, struct cache_state *out)
{
	struct looked *all = xcalloc(paths->count + 1, sizeof(*all));
	struct stat st;

	out->newest_ns = out->newest_file_ns = INT64_MIN;
	for (size_t i = 0; i < paths->count; i++) {
		int64_t t;

		if (fstatat(fd, paths->items[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		t = layers_ns(&st.st_mtim);
		all[i] = (struct looked){ t, st.st_size, st.st_mode };
		if (t > out->newest_ns)
			out->newest_ns = t;
		if (!S_ISDIR(st.st_mode) && t > out->newest_file_ns)
			out->newest_file_ns = t;
	}
	return all;
}

/*
 * Times count relative to the newest file's, as unpacking shifts them all alike. Folders'
 * own times do not: unpacking a file beside another cache's changes them.
 */
void
cache_look_at(int fd, const struct strlist *paths, struct cache_state *out)
{
	cleanup_free struct looked *all = look(fd, paths, out);
	struct hash h;

	hash_init(&h);
	for (size_t i = 0; i < paths->count; i++) {
		char facts[128];
		int n;

		if (all[i].mode == 0)
			continue;
		n = S_ISDIR(all[i].mode)
		    ? snprintf(facts, sizeof(facts), "%o", all[i].mode)
		    : snprintf(facts, sizeof(facts), "%o %jd %jd", all[i].mode,
			  (intmax_t)all[i].size,
			  (intmax_t)(out->newest_file_ns - all[i].mtime_ns));
		hash_add(&h, facts, (size_t)n + 1);
		hash_add(&h, paths->items[i], strlen(paths->items[i]) + 1);
	}
	hash_end_hex(&h, out->hash);
}

/* What the seal says when dir's archive is of this state. */
static char *
seal_text(const char *archive, const struct cache_state *state)
{
	struct stat st;

	if (stat(archive, &st) < 0)
		return xstrdup("");
	return xasprintf(
	    "%s %ju %jd\n", state->hash, (uintmax_t)st.st_ino, (intmax_t)st.st_size);
}

/*
 * Nothing has changed since the archive was unpacked: what a job writes is newer than
 * anything unpacked, and all the rest shows in the hash.
 */
static bool
is_as_restored(const struct cache_store *s, const char *archive, const char *seal,
    const struct cache_state *state)
{
	cleanup_free char *want = seal_text(archive, state);
	cleanup_buf struct buf have = BUF_INIT;
	struct error ignored = ERROR_INIT;

	return *want != '\0' &&
	    state->newest_file_ns <=
	    CACHE_NEWEST_NS + cache_restore_shift(s->view, CACHE_NEWEST_NS) &&
	    buf_read_file(&have, seal, 4096, &ignored) == 0 &&
	    str_eq(want, buf_str(&have));
}

/* The same of layers that were copied: their state is known where they are one layer. */
static bool
set_is_as_restored(const struct cache_store *s, const char *key,
    const struct cache_state *state, char **id)
{
	cleanup_free char *file = cache_file(s, key, LAYER_SET_NAME);
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;
	struct error ignored = ERROR_INIT;

	if (!cache_has_set(s, key) || layer_set_read(file, &set, &ignored) < 0 ||
	    !str_eq(set.state, state->hash) ||
	    state->newest_file_ns >
		set.newest_ns + cache_restore_shift(s->view, set.newest_ns))
		return false;
	*id = xstrdup(set.ids.items[0]);
	return true;
}

/* Packed under a name of its own and renamed, so that jobs that save the same key at the
 * same time, or read it, see one whole archive or the other. */
static int
replace_archive(const struct cache_store *s, const struct strlist *paths,
    const struct cache_state *state, const char *dir, const char *archive,
    struct error *err)
{
	cleanup_free char *temp = path_join(dir, "part-XXXXXX");
	struct archive_pack p = { .dir_fd = s->view->fd,
		.paths = paths,
		.shift_ns = CACHE_NEWEST_NS - state->newest_ns,
		.level = collect_level(s->job, "CACHE_COMPRESSION_LEVEL"),
		.cancel = s->cancel };
	cleanup_close int fd = mkostemp(temp, O_CLOEXEC);

	if (fd < 0)
		return copy_errno(err, "cannot create", temp);
	if (archive_pack(&p, fd, NULL, err) < 0) {
		unlink(temp);
		return err->code;
	}
	if (fchmod(fd, 0644) < 0 || rename(temp, archive) < 0) {
		unlink(temp);
		return copy_errno(err, "cannot create", archive);
	}
	return 0;
}

/* In a workspace without layers. */
static int
save_archive(const struct cache_store *s, const struct job_cache *c, const char *key,
    char **id, struct error *err)
{
	cleanup_free char *dir = path_join(s->dir, key);
	cleanup_free char *archive = path_join(dir, FILE_NAME);
	cleanup_free char *seal = path_join(dir, SEAL_NAME), *text = NULL;
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	struct cache_state state;

	if (cache_list_files(s, c, &paths, err) < 0)
		return err->code;
	if (paths.count == 0)
		return 0;
	cache_look_at(s->view->fd, &paths, &state);
	if (set_is_as_restored(s, key, &state, id) ||
	    is_as_restored(s, archive, seal, &state)) {
		buf_add_str(s->log, "Archive is up to date!\n");
		if (*id == NULL)
			*id = seal_text(archive, &state);
		return 0;
	}
	if (path_mkdirs(dir, 0755, err) < 0 ||
	    replace_archive(s, &paths, &state, dir, archive, err) < 0)
		return err->code;
	text = seal_text(archive, &state);
	*id = xstrdup(text);
	buf_add_str(s->log, "Created cache\n");
	return path_write_file(seal, text, strlen(text), 0644, err);
}

int
cache_list_files(const struct cache_store *s, const struct job_cache *c,
    struct strlist *out, struct error *err)
{
	struct collect files = { .view = s->view,
		.paths = c->paths,
		.path_count = c->path_count,
		.untracked = c->untracked,
		.warnings_only = true, /* what is not looked at cannot be counted */
		.cancel = s->cancel };

	return collect_files(&files, out, s->log, err);
}

/* Whichever was not made now is not what the key has any more. */
static void
remove_other(const struct cache_store *s, const char *key, bool as_layers)
{
	static const char *const archive[] = { FILE_NAME, SEAL_NAME };
	static const char *const set[] = { LAYER_SET_NAME };
	const char *const *names = as_layers ? archive : set;
	size_t count = as_layers ? ARRAY_LEN(archive) : ARRAY_LEN(set);

	for (size_t i = 0; i < count; i++) {
		cleanup_free char *file = cache_file(s, key, names[i]);

		unlink(file);
	}
}

/* Layers, where the workspace has some and the store can have them; else an archive. */
static int
save_somehow(const struct cache_store *s, size_t index, const char *key, char **id,
    struct error *err)
{
	struct error why = ERROR_INIT;
	int rc;

	if (s->view->upper != NULL) {
		rc = cache_save_layers(s, index, key, id, &why);
		if (rc == 0 && cache_has_set(s, key))
			remove_other(s, key, true);
		if (rc == 0 || rc == ERR_CANCELED)
			return rc;
		buf_printf(s->log, "%s; an archive is made instead\n", why.msg);
		free(*id);
		*id = NULL;
	}
	rc = save_archive(s, &s->job->caches[index], key, id, err);
	if (rc == 0 && !cache_has_set(s, key))
		remove_other(s, key, false);
	return rc;
}

static void
save_entry(const struct cache_store *s, size_t index)
{
	const struct job_cache *c = &s->job->caches[index];
	cleanup_free char *key = cache_own_key(s, c), *id = NULL;
	struct error err = ERROR_INIT;

	if (key == NULL) {
		buf_printf(s->log,
		    CACHE_WARNING "the cache key \"%s\" is empty" CACHE_END, c->key);
		return;
	}
	buf_printf(s->log, "Creating cache %s...\n", key);
	if (save_somehow(s, index, key, &id, &err) < 0)
		buf_printf(s->log, CACHE_WARNING "Failed to create cache: %s" CACHE_END,
		    err.msg);
	else if (s->remote != NULL && id != NULL)
		cache_remote_send(s, c, key, id);
}

void
cache_save(const struct job_payload *job, bool success, const struct workspace_view *view,
    const char *store_dir, const struct cache_mounts *mounts,
    struct cache_remote_use *remote, const atomic_bool *cancel, struct buf *log)
{
	/* of a job that failed people may want to see what it has left */
	const struct cache_store s = { .job = job,
		.view = view,
		.dir = store_dir,
		.mounts = mounts,
		.cancel = cancel,
		.log = log,
		.remote = remote,
		.may_link = success && job->artifact_count == 0 };
	bool announced = false;

	for (size_t i = 0; i < job->cache_count; i++) {
		const struct job_cache *c = &job->caches[i];

		if (!cache_is_wanted(&s, c, "push") ||
		    !collect_when_fits(c->when, success))
			continue;
		if (!announced)
			buf_add_str(log,
			    success ? CACHE_HEADLINE("Saving cache for successful job")
				    : CACHE_HEADLINE("Saving cache for failed job"));
		announced = true;
		save_entry(&s, i);
	}
}
