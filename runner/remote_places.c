/* Folders of a runner. */
#include "runner/remote_places.h"

#include "base/hash.h"
#include "base/path.h"
#include "runner/clone_path.h"
#include "runner/layer_gc.h"

char *
remote_cache_dir(const struct remote_context *c, const struct job_payload *job)
{
	const char *path = job->project_full_path;
	cleanup_free char *clean = path == NULL ? NULL : path_clean(path);
	char hash[HASH_SHA256_HEX];

	hash_sha256_hex(c->url, strlen(c->url), hash);
	return xasprintf(
	    "%s/cache/%.8s/%s", c->state_dir, hash, clean != NULL ? clean : "project");
}

/* Numbers of jobs are a server's. */
char *
remote_layers_dir(const struct remote_context *c)
{
	char hash[HASH_SHA256_HEX];

	hash_sha256_hex(c->url, strlen(c->url), hash);
	return xasprintf("%s/artifacts/%.8s", c->state_dir, hash);
}

void
remote_tidy_up(const struct remote_context *c)
{
	cleanup_free char *builds = path_join(c->state_dir, "builds");
	cleanup_free char *sources = path_join(c->state_dir, "sources");
	cleanup_free char *caches = path_join(c->state_dir, "cache");
	cleanup_free char *artifacts = path_join(c->state_dir, "artifacts");
	cleanup_free char *stamp = path_join(c->state_dir, REMOTE_TIDIED_NAME);
	const struct layer_places places = { sources, caches, artifacts, stamp };

	clone_places_tidy(builds);
	layer_gc_now_and_then(&places, &c->limits);
}
