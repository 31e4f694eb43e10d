/* Submodules by git, then moved from its hands into a layer. */
#include "runner/source_modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/process.h"
#include "runner/commit_git.h"
#include "runner/commit_set.h"
#include "runner/commit_tree.h"
#include "runner/source.h"

#define LIMIT_MS (60 * 60 * 1000)
#define MODE_SUBMODULE 0160000
#define MAX_LIST ((size_t)16 << 20)
#define MAX_GITMODULES ((size_t)1 << 20)
#define GITMODULES ".gitmodules"

/* A submodule at the top, as the commit's index has it. */
struct pins {
	struct git_index_want *wants; /* names are paths */
	size_t count, cap;
};

struct making {
	const struct source_modules *m;
	struct pins pins;
	struct buf gitmodules;
	char key[HASH_SHA256_HEX];
	char *dir;          /* the set's */
	char *place, *work; /* where git makes them: a folder, and a work tree in it
			     * whose .git stays */
	char *fresh;
	struct commit_set set;
	struct buf names, words;
	struct buf last_lines; /* of what git said */
	struct buf *log;
};

static void
clear(struct making *k)
{
	for (size_t i = 0; i < k->pins.count; i++)
		free(k->pins.wants[i].name);
	free(k->pins.wants);
	buf_clear(&k->gitmodules);
	buf_clear(&k->names);
	buf_clear(&k->words);
	buf_clear(&k->last_lines);
	commit_set_clear(&k->set);
	free(k->dir);
	free(k->place);
	free(k->work);
	free(k->fresh);
}

/* ---- which ones ------------------------------------------------------------ */

static void
add_pin(struct making *k, const char *name, const unsigned char *id, size_t hash_len)
{
	struct git_index_want *w;

	GROW(k->pins.wants, k->pins.count, k->pins.cap);
	w = &k->pins.wants[k->pins.count++];
	*w = (struct git_index_want){ .name = xstrdup(name), .mode = MODE_SUBMODULE };
	memcpy(w->id, id, hash_len);
}

/* Beside the commit's tree, so that an index of 100,000 files is read once: of each its
 * id and its name with a NUL. */
static bool
recall_pins(struct making *k, const char *file)
{
	size_t hash_len = commit_tree_hash_len(k->m->sha);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (access(file, F_OK) < 0 || buf_read_file(&text, file, MAX_LIST, &ignored) < 0)
		return false;
	for (const char *p = buf_str(&text), *end = p + text.len;
	     (size_t)(end - p) > hash_len; p += hash_len + strlen(p + hash_len) + 1)
		add_pin(k, p + hash_len, (const unsigned char *)p, hash_len);
	return true;
}

static void
note_pins(const struct making *k, const char *file)
{
	size_t hash_len = commit_tree_hash_len(k->m->sha);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;

	for (size_t i = 0; i < k->pins.count; i++) {
		buf_add(&text, (const char *)k->pins.wants[i].id, hash_len);
		buf_add(&text, k->pins.wants[i].name, strlen(k->pins.wants[i].name) + 1);
	}
	if (path_write_file(file, buf_str(&text), text.len, 0600, &ignored) < 0)
		unlink(file); /* then the index is read again */
}

static int
read_pins(struct making *k, struct error *err)
{
	const struct strlist *layers = snapshot_layers(k->m->snapshot);
	size_t hash_len = commit_tree_hash_len(k->m->sha), at = 0;
	cleanup_free char *file = path_join(layers->items[0], ".git/index");
	cleanup_git_index struct git_index ix = { .text = BUF_INIT };
	cleanup_free char *noted = path_join(k->m->dir, COMMIT_SET_PINS);
	struct git_index_entry e;

	if (recall_pins(k, noted))
		return 0;
	if (git_index_read(file, hash_len, &ix, err) < 0)
		return err->code;
	while (git_index_next(&ix, &at, &e))
		if (e.mode == MODE_SUBMODULE)
			add_pin(k, e.name, e.id, hash_len);
	note_pins(k, noted);
	return 0;
}

static int
read_gitmodules(struct making *k, struct error *err)
{
	const struct strlist *layers = snapshot_layers(k->m->snapshot);

	for (size_t i = 0; i < layers->count; i++) {
		cleanup_free char *file = path_join(layers->items[i], GITMODULES);
		struct stat st;

		if (lstat(file, &st) < 0)
			continue;
		if (S_ISREG(st.st_mode))
			return buf_read_file(&k->gitmodules, file, MAX_GITMODULES, err);
		break; /* gone, or no file: git will say what is missing */
	}
	return 0;
}

static void
add_words(struct buf *b, const struct strlist *words)
{
	for (size_t i = 0; i < words->count; i++)
		buf_printf(b, "%s\n", words->items[i]);
	buf_add_char(b, '\n');
}

/* Two sets of one key are the same. */
static void
make_key(struct making *k)
{
	const struct source_settings *s = k->m->settings;
	size_t hash_len = commit_tree_hash_len(k->m->sha);
	cleanup_buf struct buf text = BUF_INIT;

	buf_printf(&text, "1 %d %d %d %" PRId64 " %" PRId64 "\n%s\n", s->recursive,
	    s->force_https, k->m->lfs, s->submodule_depth,
	    s->submodule_newest ? k->m->job : 0, k->m->url);
	add_words(&text, &s->submodule_paths);
	add_words(&text, &s->submodule_flags);
	buf_add(&text, k->gitmodules.data, k->gitmodules.len);
	for (size_t i = 0; i < k->pins.count; i++) {
		buf_add_str(&text, k->pins.wants[i].name);
		buf_add_char(&text, '\0');
		buf_add(&text, k->pins.wants[i].id, hash_len);
	}
	hash_sha256_hex(buf_str(&text), text.len, k->key);
}

/* Addresses never change in one such place, nor does how much history there is. */
static void
set_places(struct making *k)
{
	const struct source_settings *s = k->m->settings;
	cleanup_buf struct buf text = BUF_INIT;
	char hash[HASH_SHA256_HEX];

	buf_printf(&text, "1 %" PRId64 " %d %s\n", s->submodule_depth, s->force_https,
	    k->m->url);
	buf_add(&text, k->gitmodules.data, k->gitmodules.len);
	hash_sha256_hex(buf_str(&text), text.len, hash);
	k->place = xasprintf("%s/" SOURCE_MODULE_PLACES "/%.16s", k->m->base, hash);
	k->work = path_join(k->place, "tree");
	k->dir = xasprintf("%s/" SOURCE_MODULE_SETS "/%s", k->m->base, k->key);
	k->fresh = path_join(k->dir, "new");
}

/* ---- git ------------------------------------------------------------------- */

static void
on_line(const char *line, void *data)
{
	struct making *k = data;

	if (k->last_lines.len > 4096)
		buf_reset(&k->last_lines);
	buf_printf(&k->last_lines, "%s\n", line);
}

static int
run(struct making *k, const struct strlist *words, struct buf *out, struct error *err)
{
	/* what users have set counts for their own work trees */
	static const char *const settings[][2] = { { "safe.directory", "*" },
		{ "gc.auto", "0" }, { "maintenance.auto", "false" },
		{ "core.hooksPath", "/dev/null" }, { "index.version", "2" },
		{ "index.sparse", "false" }, { "core.splitIndex", "false" },
		{ "core.untrackedCache", "false" }, { "core.fsmonitor", "false" },
		{ "feature.manyFiles", "false" }, { "advice.detachedHead", "false" } };
	cleanup_git_env struct git_env env = GIT_ENV_INIT;
	const char **argv = xcalloc(words->count + 1, sizeof(*argv)), **vars = NULL;
	struct process p = { .argv = argv,
		.cwd = k->work,
		.timeout_ms = LIMIT_MS,
		.max_out = MAX_LIST,
		.on_error_line = on_line,
		.data = k };
	int rc;

	memcpy(argv, words->items, words->count * sizeof(*argv));
	git_env_append(&env, k->m->git);
	git_env_add(&env, "GIT_TEMPLATE_DIR", "");
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		git_env_set(&env, settings[i][0], settings[i][1]);
	rc = git_env_finish_deep(&env, &vars, err);
	p.env = vars;
	if (rc == 0)
		rc = process_run(&p, out, NULL, err);
	free(argv);
	free(vars);
	return rc;
}

static void
add_all(struct strlist *words, const struct strlist *more)
{
	for (size_t i = 0; i < more->count; i++)
		strlist_add(words, more->items[i]);
}

static int
git_submodule(struct making *k, const char *verb, struct error *err)
{
	const struct source_settings *s = k->m->settings;
	cleanup_strlist struct strlist words = STRLIST_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	bool is_update = str_eq(verb, "update");

	strlist_add(&words, "git");
	strlist_add(&words, "submodule");
	if (!is_update)
		strlist_add(&words, "--quiet");
	strlist_add(&words, verb);
	if (is_update) {
		strlist_add(&words, "--init");
		strlist_add(&words, "--force");
		if (s->submodule_depth > 0)
			strlist_add_take(
			    &words, xasprintf("--depth=%" PRId64, s->submodule_depth));
		add_all(&words, &s->submodule_flags);
	}
	if (s->recursive && !str_eq(verb, "init"))
		strlist_add(&words, "--recursive");
	strlist_add(&words, "--");
	add_all(&words, &s->submodule_paths);
	return run(k, &words, &out, err);
}

/* "fatal: clone of 'ADDRESS' into submodule path 'PATH' failed": the address, malloced.
 */
static char *
address_in(const char *line)
{
	static const char before[] = "fatal: clone of '";
	const char *address = line + sizeof(before) - 1, *end;

	if (!str_starts(line, before))
		return NULL;
	end = strstr(address, "' into ");
	return end == NULL ? NULL : xstrndup(address, (size_t)(end - address));
}

/* git's first complaint says what is wrong, a later one where; the last repeats both. */
static int
explain(struct making *k, struct error *err)
{
	cleanup_free char *lines = xstrdup(buf_str(&k->last_lines)), *address = NULL;
	struct error why = *err;
	const char *what = NULL;
	char *rest = lines, *line;

	while ((line = strsep(&rest, "\n")) != NULL && address == NULL) {
		address = address_in(line);
		if (what == NULL && address == NULL &&
		    (str_starts(line, "fatal: ") || str_starts(line, "error: ") ||
			str_starts(line, "remote: ") || str_starts(line, "ssh: ")))
			what = line;
	}
	return error_set(err, ERR_FOREIGN,
	    "cannot get the submodule%s%s: %s. Addresses are in " GITMODULES
	    ": each has to be reachable from this machine, and this job has to be allowed "
	    "to read it; GIT_SUBMODULE_PATHS: \":(exclude)PATH\" leaves one out",
	    address != NULL ? " " : "s", address != NULL ? address : "",
	    what != NULL ? what : why.msg);
}

/* ---- making it: git's part ------------------------------------------------- */

/* A work tree of nothing but .gitmodules; what was fetched before stays in .git. */
static int
reset_work(struct making *k, struct error *err)
{
	const struct commit_tree t = {
		.repo_dir = k->m->repo, .sha = k->m->sha, .remote_url = k->m->url
	};
	cleanup_free char *git_dir = path_join(k->work, ".git");
	cleanup_free char *index = path_join(git_dir, "index");
	cleanup_free char *file = path_join(k->work, GITMODULES);

	for (size_t i = 0; i < k->pins.count; i++) {
		cleanup_free char *top =
		    xstrndup(k->pins.wants[i].name, strcspn(k->pins.wants[i].name, "/"));
		cleanup_free char *path = path_join(k->work, top);

		if (!str_eq(top, ".git") && path_remove_tree(AT_FDCWD, path, err) < 0)
			return err->code;
	}
	if (commit_git_dir_write(&t, git_dir, err) < 0 ||
	    git_index_write(k->pins.wants, k->pins.count, commit_tree_hash_len(k->m->sha),
		index, err) < 0)
		return err->code;
	return path_write_file(file, k->gitmodules.data != NULL ? k->gitmodules.data : "",
	    k->gitmodules.len, 0600, err);
}

/* Once more after a failure: addresses of submodules in submodules may have changed. */
static int
update(struct making *k, struct error *err)
{
	struct error ignored = ERROR_INIT;

	if (git_submodule(k, "init", err) < 0)
		return explain(k, err);
	for (unsigned i = 1; git_submodule(k, "update", err) < 0; i++) {
		if (i >= k->m->settings->attempts + 1)
			return explain(k, err);
		buf_reset(&k->last_lines);
		*err = (struct error)ERROR_INIT;
		if (git_submodule(k, "sync", &ignored) < 0)
			ignored = (struct error)ERROR_INIT;
		if (i > 1)
			buf_printf(&k->words,
			    "Getting the submodules once more (%u of %u)\n", i,
			    k->m->settings->attempts);
	}
	return 0;
}

/* ---- making it: the layer -------------------------------------------------- */

/* From git's .git of a submodule the small files; objects are lent. */
static int
write_git_dir(const char *from, const char *to, struct error *err)
{
	static const char *const files[] = { "HEAD", "config", "index", "packed-refs",
		"shallow", "FETCH_HEAD" };
	cleanup_free char *info = path_join(to, "objects/info"),
			  *pack = path_join(to, "objects/pack"),
			  *refs = path_join(to, "refs"),
			  *lender = path_join(from, "refs"),
			  *config = path_join(to, "config"),
			  *lent = path_join(info, "alternates");
	cleanup_free char *line = xasprintf("%s/objects\n", from);
	cleanup_close int from_fd = -1, to_fd = -1, config_fd = -1;
	struct copier c = { .files = 0 };
	static const char more[] = "[core]\n\tcheckStat = minimal\n\ttrustctime = false\n"
				   "[gc]\n\tauto = 0\n";

	if (path_mkdirs(info, 0777, err) < 0 || path_mkdirs(pack, 0777, err) < 0 ||
	    path_mkdirs(refs, 0777, err) < 0 ||
	    path_write_file(lent, line, strlen(line), 0666, err) < 0 ||
	    copy_tree(lender, refs, NULL, err) < 0)
		return err->code;
	from_fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	to_fd = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (from_fd < 0 || to_fd < 0)
		return error_errno(err, "cannot open %s", from_fd < 0 ? from : to);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (faccessat(from_fd, files[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		    copy_file(&c, from_fd, to_fd, files[i], NULL, err) < 0)
			return err->code;
	config_fd = open(config, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (config_fd < 0 || path_write_fd(config_fd, more, sizeof(more) - 1) < 0)
		return error_errno(err, "cannot write %s", config);
	return 0;
}

/* Names and times of its files. */
static int
note_files(struct making *k, const char *path, const char *git_dir, struct error *err)
{
	cleanup_free char *file = path_join(git_dir, "index");
	cleanup_git_index struct git_index ix = { .text = BUF_INIT };
	struct git_index_entry e;
	size_t at = 0;

	if (git_index_read(file, commit_tree_hash_len(k->m->sha), &ix, err) < 0)
		return err->code;
	while (git_index_next(&ix, &at, &e)) {
		if (e.mode == MODE_SUBMODULE)
			continue;
		buf_printf(&k->names, "%s/%s", path, e.name);
		buf_add_char(&k->names, '\0');
		k->set.bytes += e.size;
		k->set.count++;
		if (e.mtime_ns < k->set.oldest_ns)
			k->set.oldest_ns = e.mtime_ns;
		if (e.mtime_ns > k->set.newest_ns)
			k->set.newest_ns = e.mtime_ns;
	}
	return 0;
}

/* One of foreach's: its path, its .git and its commit. */
static int
take_module(struct making *k, const char *path, const char *git_dir, const char *sha,
    struct error *err)
{
	cleanup_free char *own = path_join(k->work, ".git/modules/");
	cleanup_free char *real = realpath(own, NULL), *to = NULL, *index = NULL,
			  *large_files = NULL;
	size_t len = real != NULL ? strlen(real) : 0;

	if (real == NULL || strncmp(git_dir, real, len) != 0 || git_dir[len] != '/')
		return error_set(err, ERR_INVALID,
		    "the submodule %s has its repository in %s", path, git_dir);
	to = xasprintf("%s/.git/modules%s", k->fresh, git_dir + len);
	buf_printf(&k->words, "Submodule path '%s': checked out '%s'\n", path, sha);
	index = path_join(to, "index");
	large_files = path_join(git_dir, "lfs");
	if (write_git_dir(git_dir, to, err) < 0 ||
	    (access(large_files, F_OK) == 0 && commit_tree_settle(index, err) < 0))
		return err->code;
	return note_files(k, path, git_dir, err);
}

static int
take_modules(struct making *k, struct error *err)
{
	cleanup_strlist struct strlist words = STRLIST_INIT;
	cleanup_buf struct buf list = BUF_INIT;
	const char *p, *end;

	strlist_add(&words, "git");
	strlist_add(&words, "submodule");
	strlist_add(&words, "--quiet");
	strlist_add(&words, "foreach");
	if (k->m->settings->recursive)
		strlist_add(&words, "--recursive");
	strlist_add(&words,
	    "printf '%s\\0' \"$displaypath\" \"$(git rev-parse --absolute-git-dir)\" "
	    "\"$(git rev-parse HEAD)\"");
	if (run(k, &words, &list, err) < 0)
		return explain(k, err);
	for (p = buf_str(&list), end = p + list.len; p < end;) {
		const char *git_dir = p + strlen(p) + 1;
		const char *sha = git_dir < end ? git_dir + strlen(git_dir) + 1 : end;

		if (sha >= end)
			return error_set(err, ERR_FOREIGN,
			    "git submodule foreach says what nobody knows");
		if (take_module(k, p, git_dir, sha, err) < 0)
			return err->code;
		p = sha + strlen(sha) + 1;
	}
	return 0;
}

/* The files themselves are moved: their times are what the index has. */
static int
move_files(struct making *k, struct error *err)
{
	for (size_t i = 0; i < k->pins.count; i++) {
		const char *name = k->pins.wants[i].name;
		cleanup_free char *from = path_join(k->work, name);
		cleanup_free char *git = path_join(from, ".git");
		cleanup_free char *to = path_join(k->fresh, name);
		cleanup_free char *above = xstrndup(
		    to, strrchr(to, '/') != NULL ? (size_t)(strrchr(to, '/') - to) : 0);

		if (access(git, F_OK) < 0)
			continue; /* left out */
		if (path_mkdirs(above, 0777, err) < 0)
			return err->code;
		if (rename(from, to) < 0)
			return copy_errno(err, "cannot create", to);
	}
	return 0;
}

static int
write_set(struct making *k, struct error *err)
{
	cleanup_free char *from = path_join(k->work, ".git"),
			  *to = path_join(k->fresh, ".git"),
			  *tree = path_join(k->dir, "tree"),
			  *names = path_join(k->dir, COMMIT_SET_NAMES),
			  *words = path_join(k->dir, COMMIT_SET_WORDS),
			  *lender = path_join(k->dir, COMMIT_SET_PLACE);
	const char *place = strrchr(k->place, '/') + 1;
	cleanup_close int from_fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int to_fd = -1;
	struct copier c = { .files = 0 };

	if (path_mkdirs(to, 0777, err) < 0)
		return err->code;
	to_fd = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (from_fd < 0 || to_fd < 0)
		return error_errno(err, "cannot open %s", from_fd < 0 ? from : to);
	if (copy_file(&c, from_fd, to_fd, "config", NULL, err) < 0 ||
	    path_write_file(names, buf_str(&k->names), k->names.len, 0600, err) < 0 ||
	    path_write_file(words, buf_str(&k->words), k->words.len, 0600, err) < 0 ||
	    path_write_file(lender, place, strlen(place), 0600, err) < 0)
		return err->code;
	if (rename(k->fresh, tree) < 0)
		return copy_errno(err, "cannot create", tree);
	return commit_set_write(k->dir, &k->set, err);
}

static int
make_set(struct making *k, struct error *err)
{
	commit_set_empty(k->dir);
	commit_git_ways(k->set.ways);
	strlist_add(&k->set.names, k->key);
	k->set.oldest_ns = INT64_MAX;
	k->set.newest_ns = INT64_MIN;
	if (reset_work(k, err) < 0 || update(k, err) < 0 ||
	    path_mkdirs(k->fresh, 0777, err) < 0 || take_modules(k, err) < 0 ||
	    move_files(k, err) < 0)
		return err->code;
	return write_set(k, err);
}

static int
make_locked(struct making *k, struct error *err)
{
	cleanup_free char *sets = path_join(k->m->base, SOURCE_MODULE_SETS);
	cleanup_close int quiet = -1, work = -1, lock = -1;
	cleanup_commit_set struct commit_set there = { .names = STRLIST_INIT };
	struct error ignored = ERROR_INIT;

	if (path_mkdirs(k->dir, 0700, err) < 0)
		return err->code;
	quiet = commit_set_lock(sets, LOCK_SH, err); /* nothing is swept meanwhile */
	if (quiet < 0 || path_mkdirs(k->work, 0700, err) < 0)
		return err->code;
	work = commit_set_lock(k->place, LOCK_EX, err);
	lock = work < 0 ? -1 : commit_set_lock(k->dir, LOCK_EX, err);
	if (lock < 0)
		return err->code;
	if (commit_set_read(k->dir, &there, &ignored) == 0)
		return 0; /* another has made it while we waited */
	return make_set(k, err);
}

/* ---- all of it ------------------------------------------------------------- */

static int
get(struct making *k, struct error *err)
{
	cleanup_free char *words = NULL, *file = NULL;
	struct error ignored = ERROR_INIT;

	if (read_pins(k, err) < 0 || k->pins.count == 0 || read_gitmodules(k, err) < 0)
		return err->code;
	make_key(k);
	set_places(k);
	file = path_join(k->dir, "set");
	words = path_join(k->dir, COMMIT_SET_WORDS);
	buf_add_str(k->log, "Updating/initializing submodules...\n");
	if (access(file, F_OK) < 0 && make_locked(k, err) < 0)
		return err->code;
	if (buf_read_file(k->log, words, MAX_LIST, &ignored) < 0)
		return 0; /* it is only said */
	return 0;
}

int
source_modules_get(
    const struct source_modules *m, char **out, struct buf *log, struct error *err)
{
	struct making k = { .m = m, .log = log };
	int rc = get(&k, err);

	if (rc == 0)
		*out = take(k.dir);
	clear(&k);
	return rc;
}
