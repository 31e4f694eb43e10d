/* What the registry's files share; nobody else includes this. */
#ifndef SCHEDULER_REGISTRY_INTERNAL_H
#define SCHEDULER_REGISTRY_INTERNAL_H

#include <stdio.h>

#include "base/map.h"
#include "base/secret.h"
#include "scheduler/registry.h"

#define REGISTRY_HASH_KEY 65 /* a token's hash in hex, as a map's key */

struct registry {
	struct store *store;
	struct store_ids ids;                /* the next ones */
	struct map projects, users, runners; /* by id in decimal */
	struct map project_paths;            /* folded */
	struct map logins;
	struct map tokens, runner_tokens; /* by hash */
	struct map namespaces;            /* folded path -> malloced group */
};

struct group {
	int64_t id;
	char path[]; /* as it was first written */
};

/* Paths differ by more than case, as in GitLab. Malloced. */
char *registry_fold_path(const char *path);
struct group *registry_keep_group(struct registry *r, int64_t id, const char *path);
struct group *registry_group(const struct registry *r, const char *path);

void registry_hash_key(const unsigned char hash[32], char out[REGISTRY_HASH_KEY]);

/* The row with its strings in the arena. */
struct store_namespace registry_copy_namespace(
    struct arena *a, const struct store_namespace *row);
struct store_project registry_copy_project(
    struct arena *a, const struct store_project *row);
struct store_user registry_copy_user(struct arena *a, const struct store_user *row);
struct store_token registry_copy_token(struct arena *a, const struct store_token *row);
struct store_runner registry_copy_runner(struct arena *a, const struct store_runner *row);

/* Copy the row in, in the place of the one of that id. */
struct project *registry_keep_project(
    struct registry *r, const struct store_project *row);
struct user *registry_keep_user(struct registry *r, const struct store_user *row);
struct access_token *registry_keep_token(
    struct registry *r, const struct store_token *row);
struct registered_runner *registry_keep_runner(
    struct registry *r, const struct store_runner *row);
void registry_drop_runner(struct registry *r, struct registered_runner *n);

#endif
