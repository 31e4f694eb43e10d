/*
 * The tree of a commit as a set of layers (runner/commit_set.h): all of its files, or
 * what differs from a commit that has such a set.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/log.h"
#include "base/path.h"
#include "runner/commit_choice.h"
#include "runner/commit_git.h"
#include "runner/snapshot_internal.h"

#define NS INT64_C(1000000000)
#define MODE_SUBMODULE 0160000
#define MAX_NAMES ((size_t)256 << 20)

/* ---- holding it ------------------------------------------------------------ */

/* dir is SETS/SHA; the layers below its own are those of its neighbours. */
static void
add_layers(struct snapshot *s, const char *dir, const struct commit_set *set)
{
	const char *slash = strrchr(dir, '/');

	strlist_add_take(&s->layers, path_join(dir, "tree"));
	for (size_t i = 1; i < set->names.count; i++)
		strlist_add_take(&s->layers,
		    xasprintf(
			"%.*s/%s/tree", (int)(slash - dir), dir, set->names.items[i]));
	s->index = path_join(s->layers.items[0], ".git/index");
	s->hash_len = commit_tree_hash_len(set->names.items[0]);
	s->names->unread = true;
	s->oldest_ns = set->oldest_ns;
	s->newest_ns = set->newest_ns;
}

static int
open_set(const char *dir, struct snapshot **out, struct error *err)
{
	cleanup_commit_set struct commit_set set = { .names = STRLIST_INIT };
	cleanup_close int lock = commit_set_lock(dir, LOCK_SH, err);
	struct snapshot *s;

	if (lock < 0 || commit_set_read(dir, &set, err) < 0)
		return error_set(err, ERR_MISSING, "there is no tree in %s", dir);
	futimens(lock, NULL); /* when it was last used */
	s = snapshot_new();
	s->slot.lock_fd = take_fd(&lock);
	add_layers(s, dir, &set);
	*out = s;
	return 0;
}

int
snapshot_reuse(const char *dir, struct snapshot **out, struct error *err)
{
	if (access(dir, F_OK) < 0 || strchr(dir, '/') == NULL)
		return error_set(err, ERR_MISSING, "there is no tree in %s", dir);
	return open_set(dir, out, err);
}

int
snapshot_add_set(struct snapshot *s, const char *dir, struct error *err)
{
	cleanup_commit_set struct commit_set set = { .names = STRLIST_INIT };
	cleanup_close int lock =
	    access(dir, F_OK) < 0 ? -1 : commit_set_lock(dir, LOCK_SH, err);

	if (lock < 0 || commit_set_read(dir, &set, err) < 0)
		return error_set(err, ERR_MISSING, "there is no tree in %s", dir);
	futimens(lock, NULL);
	assert(s->more_names == NULL);
	s->more_lock = take_fd(&lock);
	s->more_names = path_join(dir, COMMIT_SET_NAMES);
	strlist_add_take(&s->layers, path_join(dir, "tree"));
	for (size_t i = s->layers.count - 1; i > 0; i--) { /* it is the top one */
		char *below = s->layers.items[i - 1];

		s->layers.items[i - 1] = s->layers.items[i];
		s->layers.items[i] = below;
	}
	s->names->unread = true;
	if (set.oldest_ns < s->oldest_ns)
		s->oldest_ns = set.oldest_ns;
	if (set.newest_ns > s->newest_ns)
		s->newest_ns = set.newest_ns;
	return 0;
}

/* Of an added set: names, each with its NUL. */
static void
read_more_names(const struct snapshot *s)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	if (buf_read_file(&text, s->more_names, MAX_NAMES, &err) < 0) {
		log_warn("%s", err.msg);
		return;
	}
	for (const char *p = buf_str(&text), *end = p + text.len; p < end;
	     p += strlen(p) + 1)
		strlist_add(&s->names->list, p);
	strlist_sort(&s->names->list);
}

void
snapshot_read_names(const struct snapshot *s)
{
	cleanup_git_index struct git_index ix = { .text = BUF_INIT };
	struct git_index_entry e;
	struct error err = ERROR_INIT;
	size_t at = 0;

	s->names->unread = false;
	if (git_index_read(s->index, s->hash_len, &ix, &err) < 0) {
		log_warn("%s", err.msg);
		return;
	}
	while (git_index_next(&ix, &at, &e))
		if (e.mode != MODE_SUBMODULE)
			strlist_add(&s->names->list, e.name);
	if (s->more_names != NULL)
		read_more_names(s);
}

/* ---- making it ------------------------------------------------------------- */

struct making {
	struct commit_tree t;
	char *dir, *fresh, *tree; /* SETS/SHA, and `new` and `tree` in it */
	struct commit_set set;
};

/* Times and sizes of what has been written. */
static void
add_facts(struct commit_set *set, const struct git_index *written)
{
	struct git_index_entry e;
	size_t at = 0;

	while (git_index_next(written, &at, &e)) {
		set->bytes += e.size;
		if (e.mode == MODE_SUBMODULE)
			continue;
		if (e.mtime_ns < set->oldest_ns)
			set->oldest_ns = e.mtime_ns;
		if (e.mtime_ns > set->newest_ns)
			set->newest_ns = e.mtime_ns;
	}
}

/* From `new`, which is whole, to a set that others see. */
static int
finish(struct making *m, const struct git_index *written, struct error *err)
{
	struct timespec now;

	add_facts(&m->set, written);
	if (m->set.oldest_ns == INT64_MAX) { /* there are no files */
		clock_gettime(CLOCK_REALTIME, &now);
		m->set.oldest_ns = m->set.newest_ns = (int64_t)now.tv_sec * NS;
	}
	if (rename(m->fresh, m->tree) < 0)
		return copy_errno(err, "cannot create", m->tree);
	return commit_set_write(m->dir, &m->set, err);
}

static int
make_delta(struct making *m, const struct commit_base *base, struct error *err)
{
	cleanup_free char *below =
	    xasprintf("%s/../%s/tree/.git/index", m->dir, base->set.names.items[0]);
	cleanup_free char *scratch = path_join(m->dir, "changed");
	cleanup_git_index struct git_index old = { .text = BUF_INIT };
	cleanup_git_index struct git_index written = { .text = BUF_INIT };

	for (size_t i = 0; i < base->set.names.count; i++)
		strlist_add(&m->set.names, base->set.names.items[i]);
	m->set.oldest_ns = base->set.oldest_ns;
	m->set.newest_ns = base->set.newest_ns;
	m->set.count = base->set.count;
	if (git_index_read(below, commit_tree_hash_len(m->t.sha), &old, err) < 0 ||
	    commit_tree_write_delta(
		&m->t, &base->changes, &old, m->fresh, scratch, &written, err) < 0)
		return err->code;
	m->set.bytes = old.text.len;
	return finish(m, &written, err);
}

static void
begin(struct making *m)
{
	commit_set_empty(m->dir);
	commit_set_clear(&m->set);
	commit_git_ways(m->set.ways);
	strlist_add(&m->set.names, m->t.sha);
	m->set.oldest_ns = INT64_MAX;
	m->set.newest_ns = INT64_MIN;
}

static int
make_full(struct making *m, struct error *err)
{
	cleanup_free char *file = path_join(m->fresh, ".git/index");
	cleanup_git_index struct git_index written = { .text = BUF_INIT };

	if (commit_tree_write(&m->t, m->fresh, err) < 0 ||
	    git_index_read(file, commit_tree_hash_len(m->t.sha), &written, err) < 0)
		return err->code;
	m->set.bytes = written.text.len;
	m->set.count = written.count;
	return finish(m, &written, err);
}

/* A delta that cannot be made, because the file system does not know such devices or for
 * another reason, is no failure. */
static int
make_set(struct making *m, const char *sets_dir, struct error *err)
{
	cleanup_commit_base struct commit_base base = COMMIT_BASE_INIT;
	struct error why = ERROR_INIT;

	begin(m);
	if (commit_base_choose(&m->t, sets_dir, &base)) {
		if (make_delta(m, &base, &why) == 0)
			return 0;
		log_info("%s; all files of %.12s are written instead", why.msg, m->t.sha);
		begin(m);
	}
	return make_full(m, err);
}

static int
make_locked(
    const struct commit_tree *t, const char *sets_dir, const char *dir, struct error *err)
{
	/* nothing is swept meanwhile */
	cleanup_close int quiet = commit_set_lock(sets_dir, LOCK_SH, err);
	cleanup_close int lock = quiet < 0 ? -1 : commit_set_lock(dir, LOCK_EX, err);
	cleanup_commit_set struct commit_set there = { .names = STRLIST_INIT };
	struct error ignored = ERROR_INIT;
	struct making m = { .t = *t };
	int rc;

	if (lock < 0)
		return err->code;
	/* another may have made it while we waited */
	if (commit_set_read(dir, &there, &ignored) == 0)
		return 0;
	m.dir = xstrdup(dir);
	m.fresh = path_join(dir, "new");
	m.tree = path_join(dir, "tree");
	rc = make_set(&m, sets_dir, err);
	commit_set_clear(&m.set);
	free(m.dir);
	free(m.fresh);
	free(m.tree);
	return rc;
}

int
snapshot_of_commit(const char *repo_dir, const char *sha, const char *remote_url,
    const struct git_env *git, const char *sets_dir, struct snapshot **out,
    struct error *err)
{
	const struct commit_tree t = { repo_dir, sha, remote_url, git };
	cleanup_free char *dir = path_join(sets_dir, sha);
	struct error ignored = ERROR_INIT;

	if (!commit_tree_is_name(sha))
		return error_set(err, ERR_INVALID, "\"%.80s\" is no commit", sha);
	if (path_mkdirs(dir, 0700, err) < 0)
		return err->code;
	if (open_set(dir, out, &ignored) == 0)
		return 0;
	if (make_locked(&t, sets_dir, dir, err) < 0)
		return err->code;
	return open_set(dir, out, err);
}

/* ---- removing -------------------------------------------------------------- */

struct removal {
	char *dir;
	struct commit_set set;
};

/* Sets of many layers come first: what they are made of may go once they have. */
static int
compare_depth(const void *a, const void *b)
{
	const struct removal *x = a, *y = b;

	return x->set.names.count < y->set.names.count ? 1
	    : x->set.names.count > y->set.names.count  ? -1
						       : 0;
}

static bool
try_remove(const char *dir)
{
	struct error ignored = ERROR_INIT;
	cleanup_close int lock = commit_set_lock(dir, LOCK_EX | LOCK_NB, &ignored);

	if (lock >= 0)
		commit_set_empty(dir);
	return lock >= 0;
}

static void
look_at(const struct removal *r, const struct strlist *names, struct strlist *needed)
{
	const char *name = r->set.names.items[0];

	if (strlist_has(names, name) && !strlist_has(needed, name) && try_remove(r->dir))
		return;
	for (size_t i = 1; i < r->set.names.count; i++)
		strlist_add(needed, r->set.names.items[i]);
}

void
snapshot_remove_commits(const char *sets_dir, const struct strlist *names)
{
	cleanup_strlist struct strlist there = STRLIST_INIT, needed = STRLIST_INIT;
	struct error ignored = ERROR_INIT;
	/* nobody is making a set of layers that are about to go */
	cleanup_close int lock = commit_set_lock(sets_dir, LOCK_EX | LOCK_NB, &ignored);
	struct removal *all;
	size_t count = 0;

	if (lock < 0)
		return; /* another time */
	commit_set_list(sets_dir, &there);
	all = xcalloc(there.count + 1, sizeof(*all));
	for (size_t i = 0; i < there.count; i++) {
		all[count].dir = path_join(sets_dir, there.items[i]);
		if (commit_set_read(all[count].dir, &all[count].set, &ignored) == 0)
			count++;
		else
			free(take(all[count].dir));
	}
	if (count > 1)
		qsort(all, count, sizeof(*all), compare_depth);
	for (size_t i = 0; i < count; i++) {
		look_at(&all[i], names, &needed);
		commit_set_clear(&all[i].set);
		free(all[i].dir);
	}
	free(all);
}
