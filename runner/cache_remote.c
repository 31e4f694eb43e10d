/*
 * What a key has on this machine and in the store. Beside the set of a key lies a note of
 * which of the machine's states the object with which etag is; so an object is fetched
 * once, sent when it differs, and nobody's clock matters: what the store has counts,
 * unless it is what came from here, or what this machine has had of it.
 */
#include "runner/cache_remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/path.h"
#include "runner/cache_internal.h"
#include "runner/collect.h"
#include "runner/object_call.h"

#define NOTE_NAME "remote.note" /* "ETAG\nWHERE\nID": the object, and what is here */
#define SEAL_NAME "seal"
#define MAX_NOTE 4096
#define REQUEST_MINUTES 10 /* as GitLab's runner has it, and */
#define MAX_MINUTES 120
#define LOCK_WAIT_MS 50
#define AWAY_MS 30000 /* between tries of a store that does not answer */
#define ZIP_LEVEL_MAX 9
#define MB 1e6

/* ---- what is known --------------------------------------------------------- */

struct note {
	char *etag, *id;
};

static void
clear_note(struct note *n)
{
	free(n->etag);
	free(n->id);
	*n = (struct note){ NULL, NULL };
}
#define cleanup_note __attribute__((cleanup(clear_note)))

static char *
object_name(const struct cache_store *s, const char *key)
{
	const struct cache_remote_use *use = s->remote;
	cleanup_free char *runner = use->remote->shared || use->short_token == NULL
	    ? xstrdup("")
	    : xasprintf("runner/%s/", use->short_token);

	return xasprintf("%s%sproject/%" PRId64 "/%s", use->remote->prefix, runner,
	    s->job->project_id, key);
}

/* A note is of one store: another one knows nothing of what is here. */
static void
hash_place(const struct cache_store *s, const char *key, char out[HASH_SHA256_HEX])
{
	const struct s3_bucket *bucket = &s->remote->remote->bucket;
	cleanup_free char *object = object_name(s, key);
	cleanup_free char *place =
	    xasprintf("%s\n%s\n%s", bucket->host, bucket->name, object);

	hash_sha256_hex(place, strlen(place), out);
}

static void
read_note(const struct cache_store *s, const char *key, struct note *out)
{
	cleanup_free char *file = cache_file(s, key, NOTE_NAME);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	char place[HASH_SHA256_HEX];
	char *etag, *where, *id;

	if (access(file, F_OK) < 0 ||
	    buf_read_file(&text, file, MAX_NOTE, &ignored) < 0 || text.len == 0)
		return;
	id = text.data;
	etag = strsep(&id, "\n");
	where = strsep(&id, "\n");
	hash_place(s, key, place);
	if (id == NULL || !str_eq(where, place))
		return;
	out->etag = xstrdup(etag);
	out->id = xstrdup(id);
}

static int
write_note(const struct cache_store *s, const char *key, const char *etag, const char *id,
    struct error *err)
{
	cleanup_free char *file = cache_file(s, key, NOTE_NAME), *text = NULL;
	char place[HASH_SHA256_HEX];

	if (*etag == '\0') { /* a store that gives none is asked for all each time */
		unlink(file);
		return 0;
	}
	hash_place(s, key, place);
	text = xasprintf("%s\n%s\n%s", etag, place, id);
	return path_write_file(file, text, strlen(text), 0644, err);
}

/* What the key has here, by the name that saving gave it; NULL: nothing. malloced. */
static char *
id_here(const struct cache_store *s, const char *key)
{
	cleanup_free char *file = cache_file(s, key, LAYER_SET_NAME);
	cleanup_free char *seal = cache_file(s, key, SEAL_NAME);
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (cache_has_set(s, key) && layer_set_read(file, &set, &ignored) == 0)
		return xstrdup(set.ids.items[0]);
	if (access(seal, F_OK) == 0 &&
	    buf_read_file(&text, seal, MAX_NOTE, &ignored) == 0)
		return buf_take(&text);
	return NULL;
}

static void
forget_key(const struct cache_store *s, const char *key)
{
	static const char *const names[] = { LAYER_SET_NAME, "cache.tar.zst", SEAL_NAME,
		NOTE_NAME };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *file = cache_file(s, key, names[i]);

		unlink(file);
	}
}

/* ---- calls ----------------------------------------------------------------- */

static void PRINTF(2, 3) say(const struct cache_remote_use *use, const char *fmt, ...)
{
	cleanup_free char *line = NULL;
	va_list args;

	va_start(args, fmt);
	line = xvasprintf(fmt, args);
	va_end(args);
	if (use->say != NULL)
		use->say(line, use->data);
}

int64_t
cache_remote_limit_ms(const struct job_payload *job)
{
	const char *text = job_payload_variable(job, "CACHE_REQUEST_TIMEOUT");
	int64_t minutes;

	if (text == NULL || !str_to_int64(text, &minutes) || minutes < 1)
		minutes = REQUEST_MINUTES;
	return (minutes < MAX_MINUTES ? minutes : MAX_MINUTES) * 60000;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Another job has waited for it in vain. */
static bool
is_away(const struct cache_remote *remote)
{
	return remote->away_until_ms != NULL &&
	    now_ms() < atomic_load(remote->away_until_ms);
}

static void
note_answer(const struct cache_remote *remote, bool answered)
{
	if (remote->away_until_ms != NULL)
		atomic_store(remote->away_until_ms, answered ? 0 : now_ms() + AWAY_MS);
}

char *
cache_remote_url(const struct cache_store *s, const char *key, const char *method,
    int64_t valid_s, struct error *err)
{
	const struct cache_remote *remote = s->remote->remote;
	cleanup_free char *object = object_name(s, key), *keep = NULL;
	struct s3_keys keys = remote->keys;
	char *url;

	if (remote->keys_file != NULL &&
	    cache_remote_read_keys(remote->keys_file, &keep, &keys, err) < 0)
		return NULL;
	url = s3_url_sign(&remote->bucket, &keys, method, object, time(NULL),
	    valid_s < S3_URL_MAX_S ? valid_s : S3_URL_MAX_S);
	if (keep != NULL)
		explicit_bzero(keep, strlen(keep));
	return url;
}

/* Fill in what fetching and sending have in common, and do it. */
static int
call_store(const struct cache_store *s, const char *key, struct object_call *c,
    struct error *err)
{
	const struct cache_remote *remote = s->remote->remote;
	cleanup_free char *url = NULL;

	if (is_away(remote))
		return error_set(err, ERR_FOREIGN,
		    "%s has not answered another job, and is not asked for a while",
		    remote->bucket.host);
	c->timeout_ms = cache_remote_limit_ms(s->job);
	c->stall_ms = remote->stall_ms;
	c->cancel = s->remote->cancel;
	c->say = s->remote->say;
	c->data = s->remote->data;
	url = cache_remote_url(s, key, c->method, c->timeout_ms / 1000 + 60, err);
	if (url == NULL)
		return err->code;
	c->url = url;
	if (object_call(c, err) < 0 && err->code != ERR_MISSING)
		error_wrap(err, "%s", remote->bucket.host);
	if (err->code != ERR_CANCELED)
		note_answer(remote, c->status != 0);
	c->url = NULL;
	return err->code;
}

/* A file without a name: whatever happens, nothing is left. */
static int
open_temporary(const char *dir, struct error *err)
{
	cleanup_free char *name = xasprintf("%s/" LAYER_STORE_FOLDER, dir);
	cleanup_free char *temp = path_join(name, "part-XXXXXX");
	int fd;

	if (path_mkdirs(name, 0755, err) < 0)
		return err->code;
	fd = open(name, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	fd = mkostemp(temp, O_CLOEXEC); /* not every file system can */
	if (fd < 0)
		return error_errno(err, "cannot create %s", temp);
	unlink(temp);
	return fd;
}

/* ---- fetching -------------------------------------------------------------- */

static char *
lock_name(const struct cache_store *s, const char *key)
{
	char hash[HASH_SHA256_HEX];

	hash_sha256_hex(key, strlen(key), hash);
	return xasprintf("%s/" LAYER_STORE_FOLDER "/fetch-%.16s", s->dir, hash);
}

/* Jobs that want the same object at the same time fetch it once. */
static int
lock_key(const struct cache_store *s, const char *key)
{
	cleanup_free char *folder = xasprintf("%s/" LAYER_STORE_FOLDER, s->dir);
	cleanup_free char *file = lock_name(s, key);
	struct error ignored = ERROR_INIT;
	int fd;

	if (path_mkdirs(folder, 0755, &ignored) < 0)
		return -1;
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK &&
	    !(s->remote->cancel != NULL && atomic_load(s->remote->cancel)))
		usleep(LOCK_WAIT_MS * 1000);
	return fd;
}

/* Who comes between the two may fetch it once more; nothing worse. */
static void
unlock_key(const struct cache_store *s, const char *key, int fd)
{
	cleanup_free char *file = lock_name(s, key);

	unlink(file);
	if (fd >= 0)
		close(fd);
}

static void
warn_of_fetch(const struct cache_store *s, const char *key, const struct error *err)
{
	say(s->remote,
	    "\033[0;33mWARNING: the remote cache cannot be used for %s: %s\033[0;m", key,
	    err->msg);
}

static void
say_lines(const struct cache_remote_use *use, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		if (*line != '\0')
			say(use, "%s", line);
}

static int
take_in(const struct cache_store *s, const struct job_cache *cache, const char *key,
    const struct object_call *c, struct error *err)
{
	cleanup_buf struct buf words = BUF_INIT;
	struct cache_store here = *s;
	cleanup_free char *id = NULL;
	int rc;

	here.log = &words;
	if (lseek(c->fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot read what was fetched");
	rc = cache_import(&here, cache, key, c->fd, &id, err);
	if (words.len > 0)
		say_lines(s->remote, words.data);
	return rc < 0 ? rc : write_note(s, key, c->etag, id, err);
}

/* 1: the key has something now; 0: it has not. */
static int
fetch(const struct cache_store *s, const struct job_cache *cache, const char *key,
    struct error *err)
{
	cleanup_note struct note note = { NULL, NULL };
	cleanup_free char *here = id_here(s, key);
	cleanup_close int fd = open_temporary(s->dir, err);
	struct object_call c = { .method = "GET", .fd = fd };
	int rc;

	if (fd < 0)
		return fd;
	c.size = archive_room(fd);
	read_note(s, key, &note);
	c.if_none_match = here != NULL ? note.etag : NULL;
	rc = call_store(s, key, &c, err);
	if (rc == ERR_MISSING) {
		if (here == NULL || note.id == NULL || !str_eq(here, note.id))
			return here != NULL;
		forget_key(s, key); /* somebody has removed it for all */
		return 0;
	}
	if (rc < 0)
		return rc;
	if (c.status == 304)
		return 1;
	rc = take_in(s, cache, key, &c, err);
	if (rc < 0)
		return rc;
	say(s->remote, "Fetched cache %s from %s: %.1f MB in %.1f s", key,
	    s->remote->remote->bucket.host, (double)c.moved / MB,
	    (double)c.took_ms / 1000);
	return 1;
}

static bool
has_something(const struct cache_store *s, const char *key)
{
	cleanup_free char *id = id_here(s, key);

	return id != NULL;
}

static bool
fetch_key(const struct cache_store *s, const char *key, void *data)
{
	const struct job_cache *cache = data;
	struct error err = ERROR_INIT;
	int rc, lock;

	if (s->remote->failed)
		return true;
	lock = lock_key(s, key);
	rc = fetch(s, cache, key, &err);
	unlock_key(s, key, lock);
	if (rc >= 0)
		return rc > 0;
	if (rc == ERR_INVALID ||
	    rc == ERR_LIMIT) { /* what there is, is no use: as if it were not there */
		warn_of_fetch(s, key, &err);
		return has_something(s, key);
	}
	s->remote->failed = true;
	if (rc != ERR_CANCELED)
		warn_of_fetch(s, key, &err);
	return true;
}

static bool
may_be_pulled(const struct job_cache *c)
{
	return (c->path_count > 0 || c->untracked) &&
	    (c->policy == NULL || !str_eq(c->policy, "push"));
}

bool
cache_remote_is_wanted(const struct job_payload *job)
{
	for (size_t i = 0; i < job->cache_count; i++)
		if (may_be_pulled(&job->caches[i]))
			return true;
	return false;
}

void
cache_remote_fetch(struct cache_remote_use *use, const struct job_payload *job,
    const struct workspace_view *view, const char *store_dir)
{
	cleanup_buf struct buf ignored = BUF_INIT;
	struct cache_store s = { .job = job,
		.view = view,
		.dir = store_dir,
		.cancel = use->cancel,
		.log = &ignored,
		.remote = use };

	for (size_t i = 0; i < job->cache_count && !use->failed; i++)
		if (cache_is_wanted(&s, &job->caches[i], "pull"))
			cache_try_keys(&s, &job->caches[i], fetch_key, &job->caches[i]);
}

/* ---- sending --------------------------------------------------------------- */

/* GitLab's runner reads either by its first bytes, whatever it is called. */
static enum archive_format
wanted_format(const struct job_payload *job)
{
	const char *name = job_payload_variable(job, "CACHE_COMPRESSION_FORMAT");

	return name != NULL && (str_eq(name, "tarzstd") || str_eq(name, "tar.zst"))
	    ? ARCHIVE_TAR_ZSTD
	    : ARCHIVE_ZIP;
}

static int
pack(const struct cache_store *s, const struct job_cache *c, int fd, struct error *err)
{
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	cleanup_buf struct buf ignored = BUF_INIT;
	struct cache_store quiet = *s;
	struct cache_state state;
	struct archive_pack p = { .dir_fd = s->view->fd,
		.paths = &paths,
		.level = collect_level(s->job, "CACHE_COMPRESSION_LEVEL"),
		.cancel = s->cancel,
		.format = wanted_format(s->job),
		.max_bytes = s->remote->remote->max_bytes };

	quiet.log = &ignored; /* it was all said when it was saved */
	if (cache_list_files(&quiet, c, &paths, err) < 0)
		return err->code;
	cache_look_at(s->view->fd, &paths, &state);
	p.shift_ns = CACHE_NEWEST_NS - state.newest_ns;
	if (p.format == ARCHIVE_ZIP && p.level > ZIP_LEVEL_MAX)
		p.level = ZIP_LEVEL_MAX;
	return archive_pack(&p, fd, NULL, err);
}

/* What the log says so far comes before what is said meanwhile. */
static void
say_log(const struct cache_store *s)
{
	if (s->remote->say == NULL || s->log->len == 0)
		return;
	say_lines(s->remote, s->log->data);
	buf_reset(s->log);
}

static int
send_archive(const struct cache_store *s, const struct job_cache *c, const char *key,
    const char *id, struct error *err)
{
	cleanup_close int fd = open_temporary(s->dir, err);
	struct object_call call = { .method = "PUT", .fd = fd };
	struct stat st;

	if (fd < 0 || pack(s, c, fd, err) < 0)
		return err->code;
	if (fstat(fd, &st) < 0)
		return error_errno(err, "cannot look at the archive");
	call.size = st.st_size;
	say_log(s);
	if (call_store(s, key, &call, err) < 0)
		return err->code;
	buf_printf(s->log, "Sent cache %s to %s: %.1f MB in %.1f s\n", key,
	    s->remote->remote->bucket.host, (double)call.size / MB,
	    (double)call.took_ms / 1000);
	return write_note(s, key, call.etag, id, err);
}

static bool
is_of_store(int code)
{
	return code == ERR_FOREIGN || code == ERR_MISSING || code == ERR_CANCELED;
}

void
cache_remote_send(const struct cache_store *s, const struct job_cache *c, const char *key,
    const char *id)
{
	cleanup_note struct note note = { NULL, NULL };
	struct error err = ERROR_INIT;

	if (s->remote->remote->policy == CACHE_REMOTE_PULL)
		return;
	read_note(s, key, &note);
	if (s->remote->failed || (note.id != NULL && str_eq(note.id, id)))
		return;
	if (send_archive(s, c, key, id, &err) == 0)
		return;
	/* another one may be small enough, but will not find another store */
	s->remote->failed = is_of_store(err.code);
	if (err.code != ERR_CANCELED)
		buf_printf(s->log,
		    CACHE_WARNING "cache %s is not in the remote cache: %s" CACHE_END,
		    key, err.msg);
}
