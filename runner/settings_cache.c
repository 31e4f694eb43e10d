/* The keys are those of GitLab's runner, so that what was written for it can be copied.
 */
#include "runner/settings_cache.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "pipelines/document.h"
#include "runner/settings_value.h"

#define AWS_HOST "s3.amazonaws.com"
#define AWS_REGION "us-east-1"

enum kind { KIND_TEXT, KIND_PATH, KIND_FLAG };

/* What the map of s3 is read into before it becomes a bucket. */
struct s3_words {
	const char *host, *access_key, *secret_key, *session_token, *keys_file;
	const char *bucket, *region;
	bool insecure, path_style, path_style_is_said;
};

#define IN(member) offsetof(struct s3_words, member)

static const struct key {
	const char *name;
	enum kind kind;
	size_t offset;
} s3_keys[] = {
	{ "server_address", KIND_TEXT, IN(host) },
	{ "access_key", KIND_TEXT, IN(access_key) },
	{ "secret_key", KIND_TEXT, IN(secret_key) },
	{ "session_token", KIND_TEXT, IN(session_token) },
	{ "credentials_file", KIND_PATH, IN(keys_file) },
	{ "bucket_name", KIND_TEXT, IN(bucket) },
	{ "bucket_location", KIND_TEXT, IN(region) },
	{ "insecure", KIND_FLAG, IN(insecure) },
	{ "path_style", KIND_FLAG, IN(path_style) },
};

static const char *const s3_names[] = { "server_address", "access_key", "secret_key",
	"session_token", "credentials_file", "bucket_name", "bucket_location", "insecure",
	"path_style", NULL };
static const char *const cache_names[] = { "type", "path", "shared", "policy",
	"max_uploaded_archive_size", "s3", NULL };

static void
read_s3_pair(const struct node_pair *pair, struct arena *arena, struct s3_words *w,
    struct diags *diags)
{
	for (size_t i = 0; i < ARRAY_LEN(s3_keys); i++) {
		void *out = (char *)w + s3_keys[i].offset;

		if (!str_eq(pair->key, s3_keys[i].name))
			continue;
		if (s3_keys[i].kind == KIND_FLAG)
			settings_read_flag(pair, out, diags);
		else if (s3_keys[i].kind == KIND_PATH)
			settings_read_path(pair, arena, out, diags);
		else
			settings_read_text(pair, arena, out, diags);
		if (str_eq(pair->key, "path_style"))
			w->path_style_is_said = true;
		return;
	}
	settings_refuse_key(pair, s3_names, "s3", diags);
}

/* Without the port that the scheme has anyway: what is signed is what is sent. */
static const char *
tidy_host(const struct s3_words *w, struct arena *arena)
{
	const char *usual = w->insecure ? ":80" : ":443";

	if (str_ends(w->host, usual))
		return arena_strndup(arena, w->host, strlen(w->host) - strlen(usual));
	return w->host;
}

static bool
is_host(const char *text)
{
	return strpbrk(text, "/ @?#") == NULL;
}

/* Amazon's names are by bucket; other stores seldom have a name for each. */
static void
set_bucket(
    struct s3_words *w, struct arena *arena, struct cache_remote *out, const char *region)
{
	bool is_aws = w->host == NULL || str_ends(w->host, "amazonaws.com");

	if (w->host == NULL)
		w->host = w->region == NULL
		    ? AWS_HOST
		    : arena_printf(arena, "s3.%s.amazonaws.com", region);
	out->bucket = (struct s3_bucket){ .host = tidy_host(w, arena),
		.name = w->bucket,
		.region = region,
		.insecure = w->insecure,
		.path_style = w->path_style_is_said ? w->path_style : !is_aws };
	out->keys = (struct s3_keys){ w->access_key, w->secret_key, w->session_token };
	out->keys_file = w->keys_file;
}

static void
read_s3(const struct node *map, struct arena *arena, struct cache_remote *out,
    struct diags *diags)
{
	struct s3_words w = { .host = NULL };

	if (!node_is(map, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "s3 should be a map with server_address and bucket_name, not %s",
		    node_kind_name(map->kind));
		return;
	}
	for (size_t i = 0; i < map->count; i++)
		read_s3_pair(&map->pairs[i], arena, &w, diags);
	if (w.host != NULL && !is_host(w.host))
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "server_address should be a host or host:port alone, not %s; "
		    "insecure: true stands for http",
		    w.host);
	if (w.bucket == NULL)
		diag_error(
		    diags, DIAG_SHAPE, map->mark, NULL, "s3 lacks its bucket_name");
	if ((w.access_key == NULL) != (w.secret_key == NULL))
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "s3 should have both access_key and secret_key, or neither");
	if (w.access_key != NULL && w.keys_file != NULL)
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "s3 has both access_key and credentials_file; leave one out");
	set_bucket(&w, arena, out, w.region != NULL ? w.region : AWS_REGION);
}

/* "a//b/" is "a/b/", as GitLab's runner has it. */
static void
read_prefix(const struct node_pair *pair, struct arena *arena, struct cache_remote *out,
    struct diags *diags)
{
	const char *text = NULL;
	cleanup_free char *clean = NULL;

	if (node_is_scalar(pair->value) && *pair->value->text == '\0')
		return;
	settings_read_text(pair, arena, &text, diags);
	if (text == NULL)
		return;
	clean = path_clean(text + strspn(text, "/"));
	if (clean == NULL)
		diag_error(diags, DIAG_SHAPE, pair->value->mark, NULL,
		    "path should be a prefix of objects' names, without ..");
	else if (!str_eq(clean, "."))
		out->prefix = arena_printf(arena, "%s/", clean);
}

static void
read_max(const struct node_pair *pair, struct cache_remote *out, struct diags *diags)
{
	const struct node *n = pair->value;

	if (!node_is(n, NODE_INT) || n->integer < 0)
		diag_error(diags, DIAG_SHAPE, n->mark, NULL,
		    "%s should be a number of bytes; 0: as many as a store takes",
		    pair->key);
	else if (n->integer > 0 && n->integer < CACHE_REMOTE_MAX_BYTES)
		out->max_bytes = n->integer;
}

/* The words are those of a job's `cache:policy`. */
static void
read_policy(const struct node_pair *pair, struct cache_remote *out, struct diags *diags)
{
	const char *word = node_is_scalar(pair->value) ? pair->value->text : "";

	if (str_eq(word, "pull"))
		out->policy = CACHE_REMOTE_PULL;
	else if (str_eq(word, "pull-push"))
		out->policy = CACHE_REMOTE_PULL_PUSH;
	else
		diag_error(diags, DIAG_SHAPE, pair->value->mark, NULL,
		    "the policy of cache should be pull or pull-push");
}

static void
read_pair(const struct node_pair *pair, struct arena *arena, struct cache_remote *out,
    struct diags *diags)
{
	if (str_eq(pair->key, "path"))
		read_prefix(pair, arena, out, diags);
	else if (str_eq(pair->key, "shared"))
		settings_read_flag(pair, &out->shared, diags);
	else if (str_eq(pair->key, "policy"))
		read_policy(pair, out, diags);
	else if (str_eq(pair->key, "max_uploaded_archive_size"))
		read_max(pair, out, diags);
	else if (str_eq(pair->key, "s3"))
		read_s3(pair->value, arena, out, diags);
	else if (!str_eq(pair->key, "type"))
		settings_refuse_key(pair, cache_names, "cache", diags);
	else if (!node_is_scalar(pair->value) || !str_eq(pair->value->text, "s3"))
		diag_error(diags, DIAG_SHAPE, pair->value->mark, NULL,
		    "the type of cache should be s3");
}

struct cache_remote *
settings_read_cache(const struct node *map, struct arena *arena, struct diags *diags)
{
	struct cache_remote *out = arena_calloc(arena, 1, sizeof(*out));

	out->prefix = "";
	out->max_bytes = CACHE_REMOTE_MAX_BYTES;
	out->away_until_ms = arena_calloc(arena, 1, sizeof(*out->away_until_ms));
	if (!node_is(map, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "cache should be a map with type and s3, not %s",
		    node_kind_name(map->kind));
		return NULL;
	}
	for (size_t i = 0; i < map->count; i++)
		read_pair(&map->pairs[i], arena, out, diags);
	if (out->bucket.host == NULL) {
		diag_error(
		    diags, DIAG_SHAPE, map->mark, NULL, "cache lacks its s3 settings");
		return NULL;
	}
	return out;
}

/* Jobs and their helpers are started with what is left. */
static const char *
take_variable(const char *name, struct arena *arena)
{
	const char *value = getenv(name);
	char *copy = value == NULL || *value == '\0' ? NULL : arena_strdup(arena, value);

	(void)unsetenv(name);
	return copy;
}

int
settings_complete_cache(struct cache_remote *r, struct arena *arena, struct error *err)
{
	cleanup_free char *keep = NULL;
	struct s3_keys keys;
	int rc;

	if ((r->keys.access_key == NULL || r->keys.secret_key == NULL) &&
	    r->keys_file == NULL)
		r->keys = (struct s3_keys){ take_variable("AWS_ACCESS_KEY_ID", arena),
			take_variable("AWS_SECRET_ACCESS_KEY", arena),
			take_variable("AWS_SESSION_TOKEN", arena) };
	if (r->keys_file != NULL) {
		rc = cache_remote_read_keys(r->keys_file, &keep, &keys, err);
		if (keep != NULL)
			explicit_bzero(keep, strlen(keep));
		return rc;
	}
	if (r->keys.access_key != NULL && r->keys.secret_key != NULL)
		return 0;
	return error_set(err, ERR_INVALID,
	    "cache: the keys of the store %s are missing: give credentials_file or "
	    "access_key and secret_key in s3, or AWS_ACCESS_KEY_ID and "
	    "AWS_SECRET_ACCESS_KEY",
	    r->bucket.host);
}
