/*
 * Getting an image as the pull policies say. Jobs of this process that want the same at
 * the same time ask its registry once: who comes while another asks waits for it, and
 * takes its answer when that was asked for after he came, so that nobody gets what was
 * replaced before.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/hash.h"
#include "base/visible.h"
#include "executors/container/image_store_internal.h"

static const char *const policies[] = {
	[IMAGE_ALWAYS] = "always",
	[IMAGE_IF_NOT_PRESENT] = "if-not-present",
	[IMAGE_NEVER] = "never",
};

/* Lives while anybody asks or waits; guarded by the store's mutex. */
struct asking {
	size_t users;
	bool is_running, has_result;
	int64_t started_ns; /* of the result's, and of who asks now */
	struct error result;
};

bool
image_policy_parse(const char *text, enum image_policy *out)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (str_eq(text, policies[i])) {
			*out = (enum image_policy)i;
			return true;
		}
	return false;
}

void
image_say(const struct image_pull *p, const char *fmt, ...)
{
	cleanup_free char *line = NULL;
	va_list ap;

	if (p->on_progress == NULL)
		return;
	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	p->on_progress(line, p->data);
}

bool
image_is_canceled(const struct image_pull *p)
{
	return p->cancel != NULL && atomic_load(p->cancel);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

char *
image_pull_stamp(const struct image_name *n)
{
	cleanup_free char *path = NULL;
	struct stat st;

	if (n->kind == IMAGE_REGISTRY)
		return NULL;
	path = n->kind == IMAGE_OCI_FOLDER ? xasprintf("%s/index.json", n->path)
					   : xstrdup(n->path);
	if (stat(path, &st) < 0)
		return NULL;
	return xasprintf("%ju-%jd-%jd.%09ld", (uintmax_t)st.st_ino, (intmax_t)st.st_size,
	    (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* What the name stood for when it was last asked for, as a whole; NULL. */
static struct image *
find_present(const struct image_pull *p, bool stale_will_do)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_free char *stamp = image_pull_stamp(p->name);
	struct image_record r;
	struct image *i;

	if (!image_record_read(p->store, p->text, &p->want, arena, &r))
		return NULL;
	if (p->name->kind != IMAGE_REGISTRY && !stale_will_do &&
	    (stamp == NULL || !str_eq(stamp, r.stamp)))
		return NULL;
	i = image_store_load(p->store, r.image);
	if (i == NULL)
		return NULL;
	i->name = arena_strdup(i->arena, p->text);
	i->digest = arena_strdup(i->arena, r.digest);
	return i;
}

/* ---- asking together */

/* Who shows other credentials may get another answer. */
static char *
asking_key(const struct image_pull *p)
{
	cleanup_free char *repository = image_name_repository(p->name);
	cleanup_buf struct buf auth = BUF_INIT;
	cleanup_strlist struct strlist warnings = STRLIST_INIT;
	char hex[HASH_SHA256_HEX];

	if (repository != NULL)
		image_auth_find(p->request->auth, repository, &auth, &warnings);
	hash_sha256_hex(buf_str(&auth), auth.len, hex);
	return xasprintf("%s %s %s", p->text, p->platform, hex);
}

static struct asking *
join(struct image_store *s, const char *key)
{
	struct asking *a = map_get(&s->asking, key);

	if (a == NULL) {
		a = xcalloc(1, sizeof(*a));
		map_set(&s->asking, key, a);
	}
	a->users++;
	return a;
}

static void
leave(struct image_store *s, const char *key, struct asking *a)
{
	if (--a->users > 0)
		return;
	(void)map_remove(&s->asking, key);
	if (s->asking.live == 0)
		map_clear(&s->asking); /* it keeps the places of what was removed */
	free(a);
}

static void
wait_a_while(struct image_store *s)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 100 * 1000 * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_cond_timedwait(&s->changed, &s->mutex, &until);
}

/* True: another's answer, in err, will do; false: it is our turn to ask, or canceled. */
static bool
wait_for_turn(const struct image_pull *p, struct asking *a, int64_t came_ns)
{
	bool has_waited = false;

	for (;;) {
		if (a->has_result && !a->is_running &&
		    (a->started_ns >= came_ns ||
			(has_waited && a->result.code == -EHOSTUNREACH)))
			return true;
		if (!a->is_running || image_is_canceled(p))
			return false;
		if (has_waited) {
			wait_a_while(p->store);
			continue;
		}
		has_waited = true;
		(void)pthread_mutex_unlock(&p->store->mutex);
		image_say(p, "Waiting for another job that asks for it");
		(void)pthread_mutex_lock(&p->store->mutex);
	}
}

static int
lead(const struct image_pull *p, struct asking *a, struct image **out, struct error *err)
{
	const struct error none = ERROR_INIT;
	int rc;

	a->is_running = true;
	a->started_ns = now_ns();
	(void)pthread_mutex_unlock(&p->store->mutex);
	rc = image_pull(p, out, err);
	(void)pthread_mutex_lock(&p->store->mutex);
	a->is_running = false;
	/* that this job was canceled says nothing to others */
	a->has_result = rc != ERR_CANCELED;
	a->result = rc == 0 ? none : *err;
	(void)pthread_cond_broadcast(&p->store->changed);
	return rc;
}

static int
ask(const struct image_pull *p, struct image **out, struct error *err)
{
	cleanup_free char *key = asking_key(p);
	int64_t came_ns = now_ns();
	struct image_store *s = p->store;
	struct asking *a;
	int rc = 0;

	(void)pthread_mutex_lock(&s->mutex);
	a = join(s, key);
	if (wait_for_turn(p, a, came_ns)) {
		*err = a->result;
		rc = a->result.code;
		if (rc == 0 && (*out = find_present(p, false)) == NULL)
			rc = lead(p, a, out, err); /* removed in between */
	} else if (image_is_canceled(p)) {
		rc = error_set(err, ERR_CANCELED, "canceled");
	} else {
		rc = lead(p, a, out, err);
	}
	leave(s, key, a);
	(void)pthread_mutex_unlock(&s->mutex);
	return rc;
}

/* ---- policies */

static int
try_policy(const struct image_pull *p, enum image_policy policy, struct image **out,
    struct error *err)
{
	bool is_local = p->name->kind != IMAGE_REGISTRY;

	if (policy != IMAGE_ALWAYS || is_local)
		*out = find_present(p, policy == IMAGE_NEVER);
	if (*out != NULL) {
		image_say(p,
		    "Using locally found image version due to \"%s\" pull policy",
		    policies[policy]);
		return 0;
	}
	if (policy == IMAGE_NEVER)
		return error_set(err, ERR_MISSING,
		    "%s is not on this machine, and the pull policy \"never\" forbids to "
		    "fetch it",
		    p->text);
	return ask(p, out, err);
}

static int
try_policies(const struct image_pull *p, struct image **out, struct error *err)
{
	static const enum image_policy always = IMAGE_ALWAYS;
	size_t count = p->request->policy_count;
	const enum image_policy *list = count > 0 ? p->request->policies : &always;

	for (size_t i = 0;; i++) {
		int rc = try_policy(p, list[i], out, err);

		if (rc == 0 || rc == ERR_CANCELED || i + 1 >= count)
			return rc;
		image_say(p, "WARNING: Failed to pull image with policy \"%s\": %s",
		    policies[list[i]], err->msg);
		image_say(p, "Attempt #%zu: Trying \"%s\" pull policy", i + 2,
		    policies[list[i + 1]]);
		*err = (struct error)ERROR_INIT;
	}
}

int
image_store_get(struct image_store *s, const struct image_request *r,
    image_progress_cb on_progress, void *data, const atomic_bool *cancel,
    struct image **out, struct error *err)
{
	cleanup_image_name struct image_name name = { .kind = IMAGE_REGISTRY };
	cleanup_free char *text = NULL, *platform = NULL;
	struct image_pull p = { .store = s,
		.request = r,
		.name = &name,
		.cancel = cancel,
		.on_progress = on_progress,
		.data = data };
	struct image *image = NULL;

	if (image_name_parse(r->name, r->local_dir, &name, err) < 0 ||
	    image_platform_parse(r->platform, &p.want, err) < 0)
		return err->code;
	text = image_name_text(&name);
	platform = xasprintf("%s/%s%s%s", p.want.os, p.want.architecture,
	    *p.want.variant != '\0' ? "/" : "", p.want.variant);
	p.text = text;
	p.platform = platform;
	if (try_policies(&p, &image, err) < 0)
		return err->code;
	assert(image != NULL);
	image_say(&p, "Using image %s with digest %s", text, image->digest);
	*out = image;
	return 0;
}
