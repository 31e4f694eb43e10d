/*
 * The local store of caches. In an archive times are shifted so that the newest is
 * ARCHIVE_NEWEST_NS; unpacking shifts them again, below the oldest source file. So a
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
#include "base/hash.h"
#include "base/path.h"
#include "runner/collect.h"
#include "runner/environment.h"

#define NS INT64_C(1000000000)
#define ARCHIVE_NEWEST_NS (INT64_C(1000000000) * NS) /* September 2001 */
#define FILE_NAME "cache.tar.zst"
#define SEAL_NAME "seal" /* what the archive is, and of which state of the files */
#define MAX_KEY 200      /* a longer one is replaced by its hash */

#define HEADLINE(text) "\033[36;1m" text "\033[0;m\n"
#define WARNING "\033[0;33mWARNING: "
#define END "\033[0;m\n"

/* What the steps of restoring and saving share. */
struct store {
	const struct job_payload *job;
	const struct workspace_view *view;
	const char *dir;
	const atomic_bool *cancel;
	struct buf *log;
};

/* ---- keys ------------------------------------------------------------------ */

/* "%2f" and "%2e" are what they stand for; a backslash is a slash. */
static void
decode(char *key)
{
	char *out = key;

	for (const char *p = key; *p != '\0'; p++) {
		if (*p == '%' && p[1] == '2' && (p[2] == 'f' || p[2] == 'F')) {
			*out++ = '/';
			p += 2;
		} else if (*p == '%' && p[1] == '2' && (p[2] == 'e' || p[2] == 'E')) {
			*out++ = '.';
			p += 2;
		} else {
			*out++ = *p == '\\' ? '/' : *p;
		}
	}
	*out = '\0';
}

/* Without ".", ".." and doubled slashes, as a path that cannot leave its root. */
static char *
resolve(const char *key)
{
	cleanup_buf struct buf out = BUF_INIT;

	while (*key != '\0') {
		size_t n = strcspn(key, "/");

		if (n == 2 && memcmp(key, "..", 2) == 0) {
			while (out.len > 0 && out.data[--out.len] != '/')
				;
		} else if (n > 0 && !(n == 1 && *key == '.')) {
			if (out.len > 0)
				buf_add_char(&out, '/');
			buf_add(&out, key, n);
		}
		key += n + (key[n] == '/');
	}
	return xstrndup(buf_str(&out), out.len);
}

/* A key as a path that stays in the store; NULL when nothing of it is left. */
static char *
clean_key(const struct strlist *env, const char *text)
{
	cleanup_free char *key = environment_expand(env, text), *path = NULL;
	char hash[HASH_SHA256_HEX];

	decode(key);
	for (size_t n = strlen(key); n > 0 && strchr(" \t\r\n", key[n - 1]) != NULL; n--)
		key[n - 1] = '\0';
	if (strlen(key) > MAX_KEY) {
		hash_sha256_hex(key, strlen(key), hash);
		return xstrdup(hash);
	}
	path = resolve(key);
	return *path == '\0' ? NULL : take(path);
}

static char *
cache_dir(const struct store *s, const char *key)
{
	return path_join(s->dir, key);
}

/* ---- restoring ------------------------------------------------------------- */

static void
remove_made(const struct store *s, const struct strlist *made)
{
	struct error ignored = ERROR_INIT;

	for (size_t i = 0; i < made->count; i++)
		if (path_remove_tree(s->view->fd, made->items[i], &ignored) < 0)
			buf_printf(s->log, WARNING "%s" END, ignored.msg);
}

static int64_t
restore_shift(const struct workspace_view *view)
{
	if (view->snapshot == NULL)
		return 0;
	return snapshot_oldest_ns(view->snapshot) - NS - ARCHIVE_NEWEST_NS;
}

/* False when the archive is missing or damaged: then the next key is tried. */
static bool
restore_key(const struct store *s, const char *key)
{
	cleanup_free char *dir = cache_dir(s, key), *path = path_join(dir, FILE_NAME);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_strlist struct strlist made = STRLIST_INIT;
	struct archive_totals totals = { 0, 0 };
	struct error err = ERROR_INIT;
	struct archive_unpack u = { .dir_fd = s->view->fd,
		.shift_ns = restore_shift(s->view),
		.not_before_ns = INT64_MIN,
		.cancel = s->cancel,
		.log = s->log,
		.made = &made };

	buf_printf(s->log, "Checking cache for %s...\n", key);
	if (fd < 0) {
		buf_printf(s->log,
		    errno == ENOENT ? "No cache for %s\n"
				    : WARNING "cannot read the cache %s" END,
		    key);
		return false;
	}
	if (archive_unpack(&u, fd, &totals, &err) == 0) {
		buf_printf(
		    s->log, "Successfully extracted cache (%zu files)\n", totals.files);
		return true;
	}
	remove_made(s, &made);
	if (err.code == ERR_INVALID)
		unlink(path);
	buf_printf(s->log, WARNING "Failed to extract cache: %s" END, err.msg);
	return false;
}

static bool
is_canceled(const struct store *s)
{
	return s->cancel != NULL && atomic_load(s->cancel);
}

static bool
try_key(const struct store *s, const char *text)
{
	cleanup_free char *key = clean_key(s->view->env, text);

	return key != NULL && !is_canceled(s) && restore_key(s, key);
}

static void
restore_entry(const struct store *s, const struct job_cache *c)
{
	const char *last = job_payload_variable(s->job, "CACHE_FALLBACK_KEY");

	if (try_key(s, c->key))
		return;
	for (size_t i = 0; i < c->fallback_key_count; i++)
		if (try_key(s, c->fallback_keys[i]))
			return;
	if (last == NULL || *last == '\0')
		return;
	if (str_ends(last, "-protected"))
		buf_printf(s->log,
		    WARNING "CACHE_FALLBACK_KEY %s is not used: caches of protected "
			    "branches are for these alone" END,
		    last);
	else
		try_key(s, last);
}

/* "pull-push" allows both; a policy may be a variable. */
static bool
policy_allows(const struct store *s, const struct job_cache *c, const char *what)
{
	cleanup_free char *policy =
	    environment_expand(s->view->env, c->policy == NULL ? "" : c->policy);

	return *policy == '\0' || str_eq(policy, "pull-push") || str_eq(policy, what);
}

static bool
has_files(const struct job_cache *c)
{
	return c->path_count > 0 || c->untracked;
}

void
cache_restore(const struct job_payload *job, const struct workspace_view *view,
    const char *store_dir, const atomic_bool *cancel, struct buf *log)
{
	struct store s = { job, view, store_dir, cancel, log };
	bool announced = false;

	for (size_t i = 0; i < job->cache_count; i++) {
		const struct job_cache *c = &job->caches[i];

		if (!has_files(c) || !policy_allows(&s, c, "pull"))
			continue;
		if (!announced)
			buf_add_str(log, HEADLINE("Restoring cache"));
		announced = true;
		restore_entry(&s, c);
	}
}

/* ---- saving ---------------------------------------------------------------- */

/* The files as they are: how new the newest is, and a hash of all but their content. */
struct state {
	int64_t newest_ns, newest_file_ns;
	char hash[HASH_SHA256_HEX];
};

static int64_t
to_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * NS + ts->tv_nsec;
}

static int64_t
find_newest(int fd, const struct strlist *paths, bool folders_too)
{
	int64_t newest = INT64_MIN;
	struct stat st;

	for (size_t i = 0; i < paths->count; i++)
		if (fstatat(fd, paths->items[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    (folders_too || !S_ISDIR(st.st_mode)) && to_ns(&st.st_mtim) > newest)
			newest = to_ns(&st.st_mtim);
	return newest;
}

/*
 * Times count relative to the newest file's, as unpacking shifts them all alike. Folders'
 * own times do not: unpacking a file beside another cache's changes them.
 */
static void
look_at(int fd, const struct strlist *paths, struct state *out)
{
	struct hash h;
	struct stat st;

	out->newest_ns = find_newest(fd, paths, true);
	out->newest_file_ns = find_newest(fd, paths, false);
	hash_init(&h);
	for (size_t i = 0; i < paths->count; i++) {
		char facts[128];
		int n;

		if (fstatat(fd, paths->items[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		n = S_ISDIR(st.st_mode)
		    ? snprintf(facts, sizeof(facts), "%o", st.st_mode)
		    : snprintf(facts, sizeof(facts), "%o %jd %jd", st.st_mode,
			  (intmax_t)st.st_size,
			  (intmax_t)(out->newest_file_ns - to_ns(&st.st_mtim)));
		hash_add(&h, facts, (size_t)n + 1);
		hash_add(&h, paths->items[i], strlen(paths->items[i]) + 1);
	}
	hash_end_hex(&h, out->hash);
}

/* What the seal says when dir's archive is of this state. */
static char *
seal_text(const char *archive, const struct state *state)
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
is_as_restored(const struct store *s, const char *archive, const char *seal,
    const struct state *state)
{
	cleanup_free char *want = seal_text(archive, state);
	cleanup_buf struct buf have = BUF_INIT;
	struct error ignored = ERROR_INIT;

	return *want != '\0' &&
	    state->newest_file_ns <= ARCHIVE_NEWEST_NS + restore_shift(s->view) &&
	    buf_read_file(&have, seal, 4096, &ignored) == 0 &&
	    str_eq(want, buf_str(&have));
}

/* Packed under a name of its own and renamed, so that jobs that save the same key at the
 * same time, or read it, see one whole archive or the other. */
static int
replace_archive(const struct store *s, const struct strlist *paths,
    const struct state *state, const char *dir, const char *archive,
    struct archive_totals *totals, struct error *err)
{
	cleanup_free char *temp = path_join(dir, "part-XXXXXX");
	struct archive_pack p = { .dir_fd = s->view->fd,
		.paths = paths,
		.shift_ns = ARCHIVE_NEWEST_NS - state->newest_ns,
		.level = collect_level(s->job, "CACHE_COMPRESSION_LEVEL"),
		.cancel = s->cancel };
	cleanup_close int fd = mkostemp(temp, O_CLOEXEC);

	if (fd < 0)
		return copy_errno(err, "cannot create", temp);
	if (archive_pack(&p, fd, totals, err) < 0) {
		unlink(temp);
		return err->code;
	}
	if (fchmod(fd, 0644) < 0 || rename(temp, archive) < 0) {
		unlink(temp);
		return copy_errno(err, "cannot create", archive);
	}
	return 0;
}

static int
save_files(const struct store *s, const struct strlist *paths, const char *key,
    struct error *err)
{
	cleanup_free char *dir = cache_dir(s, key);
	cleanup_free char *archive = path_join(dir, FILE_NAME);
	cleanup_free char *seal = path_join(dir, SEAL_NAME), *text = NULL;
	struct archive_totals totals = { 0, 0 };
	struct state state;

	look_at(s->view->fd, paths, &state);
	if (is_as_restored(s, archive, seal, &state)) {
		buf_add_str(s->log, "Archive is up to date!\n");
		return 0;
	}
	if (path_mkdirs(dir, 0755, err) < 0 ||
	    replace_archive(s, paths, &state, dir, archive, &totals, err) < 0)
		return err->code;
	text = seal_text(archive, &state);
	buf_printf(s->log, "Created cache (%zu files)\n", totals.files);
	return path_write_file(seal, text, strlen(text), 0644, err);
}

static void
save_entry(const struct store *s, const struct job_cache *c)
{
	cleanup_free char *key = clean_key(s->view->env, c->key);
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	struct error err = ERROR_INIT;
	struct collect files = { .view = s->view,
		.paths = c->paths,
		.path_count = c->path_count,
		.untracked = c->untracked,
		.cancel = s->cancel };

	if (key == NULL) {
		buf_printf(s->log, WARNING "the cache key \"%s\" is empty" END, c->key);
		return;
	}
	buf_printf(s->log, "Creating cache %s...\n", key);
	if (collect_files(&files, &paths, s->log, &err) < 0 ||
	    (paths.count > 0 && save_files(s, &paths, key, &err) < 0))
		buf_printf(s->log, WARNING "Failed to create cache: %s" END, err.msg);
}

void
cache_save(const struct job_payload *job, bool success, const struct workspace_view *view,
    const char *store_dir, const atomic_bool *cancel, struct buf *log)
{
	struct store s = { job, view, store_dir, cancel, log };
	bool announced = false;

	for (size_t i = 0; i < job->cache_count; i++) {
		const struct job_cache *c = &job->caches[i];

		if (!has_files(c) || !policy_allows(&s, c, "push") ||
		    !collect_when_fits(c->when, success))
			continue;
		if (!announced)
			buf_add_str(log,
			    success ? HEADLINE("Saving cache for successful job")
				    : HEADLINE("Saving cache for failed job"));
		announced = true;
		save_entry(&s, c);
	}
}
