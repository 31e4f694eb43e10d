/* From a name to an image in the store: what its registry says it is now, what is not
 * here of it fetched, unpacked and put in its place. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/path.h"
#include "executors/container/image_store_internal.h"

#define TRIES 2 /* what turned out to be damaged on the disk is fetched again once */

struct pulling {
	const struct image_pull *p;
	struct arena *arena;
	struct image_place at;
	const char *digest;             /* what the registry calls it */
	const char *source;             /* its manifest for this platform; NULL: a file */
	struct image_manifest manifest; /* of source, to tell how far it is */
	char *tmp;                      /* held by tmp_fd */
	int tmp_fd;
	/* what came: */
	const char *came; /* digest of its manifest, which may have been translated */
	struct image_manifest parts;
	struct image_config config;
	struct buf config_text;
};

/* ---- where from */

const char *
image_after_prefix(const char *repository, const char *prefix)
{
	size_t len = strlen(prefix);

	while (len > 0 && prefix[len - 1] == '/')
		len--;
	if (len == 0 || strncmp(repository, prefix, len) != 0 ||
	    (repository[len] != '/' && repository[len] != '\0'))
		return NULL;
	return repository + len;
}

/* As Docker: who listens on this machine needs no certificate. */
static bool
is_this_machine(const char *registry)
{
	cleanup_free char *host = xstrndup(registry,
	    *registry == '[' ? strcspn(registry, "]") + 1 : strcspn(registry, ":"));

	return str_eq(host, "localhost") || str_starts(host, "127.") ||
	    str_eq(host, "[::1]");
}

static bool
is_insecure(const struct image_registries *s, const char *registry)
{
	for (size_t i = 0; i < s->insecure_count; i++)
		if (str_eq(s->insecure[i], registry))
			return true;
	return is_this_machine(registry);
}

/* Takes repository. */
static void
set_place(struct pulling *k, char *repository)
{
	cleanup_strlist struct strlist warnings = STRLIST_INIT;

	image_place_clear(&k->at);
	k->at = (struct image_place){ .repository = repository };
	if (repository == NULL)
		return;
	k->at.registry = xstrndup(repository, strcspn(repository, "/"));
	k->at.is_insecure =
	    is_insecure(&k->p->store->settings.registries, k->at.registry);
	image_auth_find(k->p->request->auth, repository, &k->at.auth, &warnings);
	for (size_t i = 0; i < warnings.count; i++)
		image_say(k->p, "WARNING: %s", warnings.items[i]);
}

/* ---- what it is */

static int
check_digest(const char *expected, const struct buf *text, struct error *err)
{
	char hex[HASH_SHA256_HEX];

	hash_sha256_hex(buf_str(text), text->len, hex);
	return str_eq(expected + 7, hex)
	    ? 0
	    : error_set(err, ERR_INVALID,
		  "the registry answers with sha256:%s where %s was asked for", hex,
		  expected);
}

/* The manifest a list has for the platform. */
static int
resolve_instance(struct pulling *k, struct error *err)
{
	const char *instance = k->manifest.instance;
	cleanup_buf struct buf text = BUF_INIT;

	if (instance == NULL || k->at.repository == NULL)
		return 0;
	k->source = instance;
	if (image_ask_manifest(k->p, &k->at, instance, &text, err) < 0 ||
	    check_digest(instance, &text, err) < 0 ||
	    image_manifest_parse(
		buf_str(&text), text.len, &k->p->want, k->arena, &k->manifest, err) < 0)
		return err->code;
	return k->manifest.instance == NULL
	    ? 0
	    : error_set(err, ERR_INVALID,
		  "the image's list of platforms holds another such list");
}

static int
resolve_here(struct pulling *k, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	char hex[HASH_SHA256_HEX];

	if (image_ask_manifest(k->p, &k->at, NULL, &text, err) < 0)
		return err->code;
	hash_sha256_hex(buf_str(&text), text.len, hex);
	k->digest = arena_printf(k->arena, "sha256:%s", hex);
	if (image_manifest_parse(
		buf_str(&text), text.len, &k->p->want, k->arena, &k->manifest, err) < 0)
		return err->code;
	/* of schema 1 the digest is that of a part, which skopeo knows to cut out */
	k->source = k->manifest.is_old ? NULL : k->digest;
	if (k->p->name->digest != NULL && !k->manifest.is_old &&
	    check_digest(k->p->name->digest, &text, err) < 0)
		return err->code;
	return resolve_instance(k, err);
}

/* Mirrors first; the own registry's word is the last. */
static int
resolve(struct pulling *k, struct error *err)
{
	const struct image_registries *s = &k->p->store->settings.registries;
	cleanup_free char *own = image_name_repository(k->p->name);

	for (size_t i = 0; own != NULL && i < s->mirror_count; i++) {
		const char *rest = image_after_prefix(own, s->mirrors[i].prefix);
		struct error why = ERROR_INIT;
		int rc;

		if (rest == NULL)
			continue;
		set_place(k, xasprintf("%s%s", s->mirrors[i].location, rest));
		rc = resolve_here(k, &why);
		if (rc == 0 || rc == ERR_CANCELED) {
			*err = why;
			return rc;
		}
		image_say(k->p, "The mirror is of no use: %s", why.msg);
	}
	set_place(k, take(own));
	return resolve_here(k, err);
}

/* ---- fetching */

/* A folder of our own that others leave alone while we live. */
static int
make_tmp(struct pulling *k, struct error *err)
{
	cleanup_free char *path = image_store_path(k->p->store, "tmp/XXXXXX");
	cleanup_close int lock = image_store_lock(k->p->store, err);

	if (lock < 0)
		return err->code;
	if (mkdtemp(path) == NULL)
		return error_errno(err, "cannot make a folder like %s", path);
	k->tmp_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->tmp_fd < 0 || flock(k->tmp_fd, LOCK_EX | LOCK_NB) < 0)
		return error_errno(err, "cannot lock %s", path);
	k->tmp = take(path);
	return 0;
}

static int
read_blob(const struct pulling *k, const char *digest, struct buf *out, struct error *err)
{
	cleanup_free char *path =
	    image_store_path(k->p->store, "blobs/sha256/%s", digest + 7);

	if (image_blob_check(k->p->store, digest, err) < 0)
		return err->code;
	return buf_read_file(out, path, IMAGE_JSON_MAX, err);
}

static int
check_image(const struct pulling *k, struct error *err)
{
	const struct image_config *c = &k->config;

	if (c->diff_ids.count != k->parts.layer_count)
		return error_set(err, ERR_INVALID,
		    "%s is damaged: it has %zu layers and speaks of %zu", k->p->text,
		    k->parts.layer_count, c->diff_ids.count);
	if (k->parts.layer_count == 0)
		return error_set(err, ERR_INVALID, "%s has no files at all", k->p->text);
	if (*c->os != '\0' && !str_eq(c->os, "linux"))
		return error_set(err, ERR_INVALID,
		    "%s is made for another system than Linux", k->p->text);
	if (*c->architecture != '\0' && !str_eq(c->architecture, k->p->want.architecture))
		image_say(k->p,
		    "WARNING: the image is made for the processor %.30s, not for %s; its "
		    "programs may not run",
		    c->architecture, k->p->want.architecture);
	return 0;
}

static int
read_what_came(struct pulling *k, struct error *err)
{
	cleanup_free char *index = xasprintf("%s/layout/index.json", k->tmp);
	cleanup_buf struct buf text = BUF_INIT, manifest = BUF_INIT;

	if (buf_read_file(&text, index, IMAGE_JSON_MAX, err) < 0 ||
	    image_index_parse(buf_str(&text), text.len, k->arena, &k->came, err) < 0 ||
	    read_blob(k, k->came, &manifest, err) < 0 ||
	    image_manifest_parse(buf_str(&manifest), manifest.len, &k->p->want, k->arena,
		&k->parts, err) < 0)
		return err->code;
	if (k->parts.config.digest == NULL)
		return error_set(err, ERR_INVALID, "%s holds no image", k->p->text);
	buf_reset(&k->config_text);
	if (read_blob(k, k->parts.config.digest, &k->config_text, err) < 0 ||
	    image_config_parse(buf_str(&k->config_text), k->config_text.len, k->arena,
		&k->config, err) < 0)
		return err->code;
	return check_image(k, err);
}

static int
fetch_once(struct pulling *k, struct error *err)
{
	cleanup_free char *layout = xasprintf("%s/layout", k->tmp);
	struct image_transfer t = { .layout = layout,
		.blobs = k->manifest.layers,
		.blob_count = k->manifest.layer_count };

	if (path_remove_tree(AT_FDCWD, layout, err) < 0 ||
	    image_ask_copy(k->p, &k->at, k->source, &t, err) < 0 ||
	    read_what_came(k, err) < 0)
		return err->code;
	return image_unpack_layers(
	    k->p, k->tmp, &k->config.diff_ids, k->parts.layers, err);
}

/* ---- putting it in its place */

/* The layers from the top down to where nothing below is seen; each once: where one is
 * there twice the lower one has no effect. */
static int
gather_layers(struct pulling *k, struct image_parts *parts, struct error *err)
{
	const struct image_strings *ids = &k->config.diff_ids;

	parts->layers.items =
	    arena_calloc(k->arena, ids->count + 1, sizeof(*parts->layers.items));
	for (size_t i = ids->count; i-- > 0;) {
		const char *hex = ids->items[i] + 7;
		cleanup_free char *folder =
		    image_store_path(k->p->store, "layers/%s", hex);
		struct layer_info info;
		bool is_new = true;

		for (size_t n = 0; n < parts->layers.count; n++)
			is_new &= !str_eq(parts->layers.items[n], hex);
		if (!is_new)
			continue;
		if (image_layer_read(folder, &info, err) < 0)
			return err->code;
		parts->layers.items[parts->layers.count++] = hex;
		parts->owners += info.owners;
		parts->devices += info.devices;
		parts->capabilities += info.capabilities;
		if (info.hides_all)
			break;
	}
	return 0;
}

static void
gather_blobs(struct pulling *k, struct image_parts *parts)
{
	struct image_strings *b = &parts->blobs;

	b->items = arena_calloc(k->arena, k->parts.layer_count + 2, sizeof(*b->items));
	b->items[b->count++] = parts->manifest;
	b->items[b->count++] = parts->config;
	for (size_t i = 0; i < k->parts.layer_count; i++)
		b->items[b->count++] = k->parts.layers[i].digest + 7;
}

static int
write_image(struct pulling *k, const char *folder, struct error *err)
{
	cleanup_free char *config = path_join(folder, "config.json");
	cleanup_free char *lock = path_join(folder, "lock");
	cleanup_buf struct buf small = BUF_INIT;
	struct image_parts parts = { .manifest = k->came + 7,
		.config = k->parts.config.digest + 7 };

	if (gather_layers(k, &parts, err) < 0 ||
	    image_config_shorten(
		buf_str(&k->config_text), k->config_text.len, &small, err) < 0)
		return err->code;
	gather_blobs(k, &parts);
	if (mkdir(folder, 0700) < 0)
		return error_errno(err, "cannot make %s", folder);
	if (image_parts_write(folder, &parts, err) < 0 ||
	    path_write_file(config, small.data, small.len, 0600, err) < 0)
		return err->code;
	return path_write_file(lock, "", 0, 0600, err);
}

/* Our folder in tmp/ keeps the layers from being removed until the image names them. */
static int
put_in_place(struct pulling *k, struct image **out, struct error *err)
{
	cleanup_free char *folder = xasprintf("%s/image", k->tmp);
	cleanup_free char *name = xasprintf("images/%s", k->came + 7);
	cleanup_free char *target = image_store_path(k->p->store, "%s", name);
	cleanup_close int lock = -1;

	if (write_image(k, folder, err) < 0)
		return err->code;
	lock = image_store_lock(k->p->store, err);
	if (lock < 0)
		return err->code;
	*out = image_store_load(k->p->store, k->came + 7);
	if (*out != NULL)
		return 0;
	/* what is there, if anything, is not whole */
	if (image_store_discard(k->p->store, name, err) < 0)
		return err->code;
	if (rename(folder, target) < 0)
		return error_errno(err, "cannot move an image to %s", target);
	*out = image_store_load(k->p->store, k->came + 7);
	return *out != NULL
	    ? 0
	    : error_set(err, ERR_ENVIRONMENT, "%s cannot be read back", target);
}

static int
fetch(struct pulling *k, struct image **out, struct error *err)
{
	int rc = -ESTALE;

	if (make_tmp(k, err) < 0)
		return err->code;
	for (int i = 0; i < TRIES && rc == -ESTALE; i++) {
		if (i > 0)
			image_say(k->p, "WARNING: %s; fetching it again", err->msg);
		*err = (struct error)ERROR_INIT;
		rc = fetch_once(k, err);
	}
	if (rc < 0)
		return rc == -ESTALE
		    ? error_set(err, ERR_INVALID,
			  "%s cannot be stored: a file was damaged twice", k->p->text)
		    : rc;
	return put_in_place(k, out, err);
}

/* ---- all together */

/* The image may be here, by whatever name it was asked for. */
static struct image *
find_by_digest(const struct pulling *k)
{
	struct image_record r;

	return image_record_read(k->p->store, k->digest, &k->p->want, k->arena, &r)
	    ? image_store_load(k->p->store, r.image)
	    : NULL;
}

static int
fetch_locked(struct pulling *k, struct image **out, struct error *err)
{
	cleanup_free char *name = xasprintf("image-%s-%s-%s-%s", k->digest + 7,
	    k->p->want.os, k->p->want.architecture, k->p->want.variant);
	struct image_lock lock;
	int rc = 0;

	if (image_lock_begin(k->p->store, name, k->p->cancel, &lock, err) < 0)
		return err->code;
	*out = find_by_digest(k);
	if (*out == NULL)
		rc = fetch(k, out, err);
	image_lock_end(&lock);
	return rc;
}

static int
remember(struct pulling *k, struct image *i, const char *stamp, struct error *err)
{
	struct image_record r = { .digest = k->digest,
		.image = i->manifest_digest + 7,
		.stamp = stamp == NULL ? "" : stamp };

	i->name = arena_strdup(i->arena, k->p->text);
	i->digest = arena_strdup(i->arena, k->digest);
	if (image_record_write(k->p->store, k->digest, &k->p->want, &r, err) < 0)
		return err->code;
	return image_record_write(k->p->store, k->p->text, &k->p->want, &r, err);
}

static int
pull(struct pulling *k, struct image **out, struct error *err)
{
	/* as it is before it is read: a change meanwhile shows the next time */
	cleanup_free char *stamp = image_pull_stamp(k->p->name);
	cleanup_image struct image *i = NULL;

	image_say(k->p, "Pulling image %s ...", k->p->text);
	if (resolve(k, err) < 0)
		return err->code;
	i = find_by_digest(k);
	if (i == NULL && fetch_locked(k, &i, err) < 0)
		return err->code;
	assert(i != NULL);
	if (remember(k, i, stamp, err) < 0)
		return err->code;
	*out = take(i);
	return 0;
}

int
image_pull(const struct image_pull *p, struct image **out, struct error *err)
{
	struct pulling k = { .p = p, .arena = arena_new(), .tmp_fd = -1 };
	struct error ignored = ERROR_INIT;
	int rc = pull(&k, out, err);

	if (k.tmp != NULL && path_remove_tree(AT_FDCWD, k.tmp, &ignored) < 0)
		log_warn("%s", ignored.msg);
	if (k.tmp_fd >= 0) {
		close(k.tmp_fd);
		image_tidy_start(p->store); /* it waits for nobody who pulls */
	}
	free(k.tmp);
	buf_clear(&k.config_text);
	image_place_clear(&k.at);
	arena_free(k.arena);
	return rc;
}
