/*
 * The layers nearest to the ground come first, as long as the difference is small: so a
 * set has few layers, and those of several commits are the same. When the difference has
 * grown, what is added lies on a later one, and so on up to LAYERS_MAX_DELTAS.
 */
#include "runner/commit_choice.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "runner/commit_git.h"
#include "runner/layers.h"

#define LOOK_AT 4   /* sets, the last used */
#define NEAR 200    /* files: written in a few milliseconds */
#define FAR_SHARE 4 /* a delta of more than a quarter of all files is none */

void
commit_base_clear(struct commit_base *base)
{
	commit_set_clear(&base->set);
	commit_changes_clear(&base->changes);
	cleanup_close_fd(&base->lock_fd);
	*base = (struct commit_base)COMMIT_BASE_INIT;
}

struct choice {
	const struct commit_tree *t;
	const char *sets_dir;
	char ways[HASH_SHA256_HEX];
	struct strlist tried;
	struct commit_base best;
	size_t best_size; /* of its changes; SIZE_MAX: there is none */
};

static size_t
size_of(const struct commit_changes *c)
{
	return c->want_count + c->gone.count;
}

/* Compare with one set; lock is that of a set that has it among its layers. */
static void
try_set(struct choice *c, const char *name, int lock)
{
	cleanup_commit_base struct commit_base b = COMMIT_BASE_INIT;
	cleanup_free char *dir = path_join(c->sets_dir, name);
	struct error why = ERROR_INIT;

	if (strlist_has(&c->tried, name))
		return;
	strlist_add(&c->tried, name);
	if (commit_set_read(dir, &b.set, &why) < 0 ||
	    b.set.names.count > LAYERS_MAX_DELTAS || !str_eq(b.set.ways, c->ways))
		return;
	if (commit_tree_compare(c->t, name, &b.changes, &why) < 0) {
		log_debug("%s", why.msg);
		return;
	}
	if (b.changes.attributes || size_of(&b.changes) >= c->best_size)
		return;
	b.lock_fd = fcntl(lock, F_DUPFD_CLOEXEC, 0);
	c->best_size = size_of(&b.changes);
	commit_base_clear(&c->best);
	c->best = b;
	b = (struct commit_base)COMMIT_BASE_INIT;
}

/* All layers of a set, from the lowest up, until one is near. */
static void
try_layers(struct choice *c, const char *name)
{
	cleanup_free char *dir = path_join(c->sets_dir, name);
	cleanup_commit_set struct commit_set set = { .names = STRLIST_INIT };
	struct error ignored = ERROR_INIT;
	cleanup_close int lock = -1;

	if (strlen(name) != strlen(c->t->sha))
		return;
	lock = commit_set_lock(dir, LOCK_SH | LOCK_NB, &ignored);
	if (lock < 0 || commit_set_read(dir, &set, &ignored) < 0)
		return;
	for (size_t i = set.names.count; i > 0 && c->best_size > NEAR; i--)
		try_set(c, set.names.items[i - 1], lock);
}

bool
commit_base_choose(
    const struct commit_tree *t, const char *sets_dir, struct commit_base *out)
{
	struct choice c = { .t = t,
		.sets_dir = sets_dir,
		.best = COMMIT_BASE_INIT,
		.best_size = SIZE_MAX };
	cleanup_strlist struct strlist sets = STRLIST_INIT;

	commit_git_ways(c.ways);
	commit_set_list(sets_dir, &sets);
	for (size_t i = 0; i < sets.count && i < LOOK_AT && c.best_size > NEAR; i++)
		try_layers(&c, sets.items[i]);
	strlist_clear(&c.tried);
	if (c.best_size > NEAR && c.best_size > c.best.set.count / FAR_SHARE) {
		commit_base_clear(&c.best);
		return false;
	}
	*out = c.best;
	return true;
}
