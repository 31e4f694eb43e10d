/*
 * Who and what a server knows: groups, projects, users, their tokens, runners. All of it
 * lies in memory, because it does not grow with history and every request asks for it;
 * the store has the truth. Loop thread. A change is in force at once and its done() comes
 * when it is on disk.
 *
 * What a lookup gives is valid until that row is changed or removed.
 */
#ifndef SCHEDULER_REGISTRY_H
#define SCHEDULER_REGISTRY_H

#include "base/secret.h"
#include "pipelines/config.h"
#include "scheduler/store.h"

struct registry;

struct project {
	struct arena *arena; /* of the row's strings */
	struct store_project row;
	int64_t next_iid; /* of its next pipeline */
};

struct user {
	struct arena *arena;
	struct store_user row;
};

struct access_token {
	struct arena *arena;
	struct store_token row;
};

struct registered_runner {
	struct arena *arena;
	struct store_runner row;
	struct strs tags; /* of row.tags */
};

/* Blocks: at start only. */
MUST_CHECK int registry_load(
    struct store *store, struct registry **out, struct error *err);
void registry_free(struct registry *r); /* NULL is fine */

/* The ids pipelines and jobs begin at. */
const struct store_ids *registry_ids(const struct registry *r);

/* ---- looking up; NULL: there is none ---------------------------------------- */

struct project *registry_project(const struct registry *r, int64_t id);
struct project *registry_project_by_path(const struct registry *r, const char *path);
struct user *registry_user(const struct registry *r, int64_t id);
struct user *registry_user_by_login(const struct registry *r, const char *login);
/* By what its holder shows. An expired or revoked one is none. */
struct access_token *registry_token(
    const struct registry *r, const char *token, int64_t now_us);
/* The same, and it is noted that it was used, on disk at most once a minute. */
struct access_token *registry_use_token(
    struct registry *r, const char *token, int64_t now_us);
struct access_token *registry_token_of_id(const struct registry *r, int64_t id);
struct registered_runner *registry_runner(const struct registry *r, int64_t id);
struct registered_runner *registry_runner_by_token(
    const struct registry *r, const char *token);

/* As rows have them: ["a","b"]; NULL without any. */
const char *registry_tags_json(struct arena *a, const struct strs *tags);

/* Each one, in the order of their ids; fn returns false to end it. */
void registry_each_project(
    const struct registry *r, bool (*fn)(struct project *p, void *data), void *data);
void registry_each_runner(const struct registry *r,
    bool (*fn)(struct registered_runner *runner, void *data), void *data);
size_t registry_user_count(const struct registry *r);

/* ---- changing --------------------------------------------------------------- */

/*
 * What the path of a new project is: "group/sub/name", each part as GitLab allows it,
 * groups that are there as they were first written. ERR_INVALID: what is wrong with it,
 * or that it is taken; case makes no difference. *out is malloced.
 */
MUST_CHECK int registry_new_path(
    const struct registry *r, const char *path, char **out, struct error *err);

/*
 * Makes the project, and the groups it lies in; path is what registry_new_path() gave.
 * done may be NULL, as everywhere here.
 */
struct project *registry_add_project(
    struct registry *r, const char *path, int64_t now_us, store_done_fn done, void *data);
/* row.id and row.path stay. */
void registry_set_project(
    struct registry *r, const struct store_project *row, store_done_fn done, void *data);

/* row->id is given; 0 takes the next one. */
struct user *registry_set_user(
    struct registry *r, const struct store_user *row, store_done_fn done, void *data);

/* The new token's text is written to text, and is nowhere else. */
struct access_token *registry_add_token(struct registry *r, const struct store_token *row,
    char text[SECRET_MAX], store_done_fn done, void *data);
void registry_revoke_token(struct registry *r, struct access_token *token, int64_t now_us,
    store_done_fn done, void *data);

struct registered_runner *registry_add_runner(struct registry *r,
    const struct store_runner *row, char text[SECRET_MAX], store_done_fn done,
    void *data);
void registry_set_runner(
    struct registry *r, const struct store_runner *row, store_done_fn done, void *data);
void registry_remove_runner(
    struct registry *r, int64_t id, store_done_fn done, void *data);

#endif
