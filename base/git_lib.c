/*
 * Reading by libgit2, through one table of function pointers filled by dlopen: loading
 * and initialising the library costs 8 ms on Debian 12 (its TLS parses every trusted
 * certificate), which commands that never look into an object must not pay.
 */
#include "config.h"

#include <dlfcn.h>
#include <git2.h>
#include <strings.h>

#include "base/git_backend.h"
#include "base/git_text.h"

/* libgit2 1.5 leaks its matches when it looks through the configuration at opening:
 * 20 kB a line, once. Leak checkers are told, so that they stay strict about the rest. */
#if defined(__has_feature)
#define HAVE_LSAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define HAVE_LSAN 1
#else
#define HAVE_LSAN 0
#endif
#if HAVE_LSAN
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable()
#define __lsan_enable()
#endif

#define FUNCTIONS(X)                                                                     \
	X(git_libgit2_init)                                                              \
	X(git_libgit2_shutdown)                                                          \
	X(git_libgit2_opts)                                                              \
	X(git_error_last)                                                                \
	X(git_repository_open)                                                           \
	X(git_repository_free)                                                           \
	X(git_repository_head)                                                           \
	X(git_repository_head_detached)                                                  \
	X(git_repository_is_shallow)                                                     \
	X(git_repository_config_snapshot)                                                \
	X(git_config_get_string)                                                         \
	X(git_config_free)                                                               \
	X(git_config_iterator_new)                                                       \
	X(git_config_next)                                                               \
	X(git_config_iterator_free)                                                      \
	X(git_reference_lookup)                                                          \
	X(git_reference_free)                                                            \
	X(git_reference_name)                                                            \
	X(git_reference_shorthand)                                                       \
	X(git_reference_symbolic_target)                                                 \
	X(git_reference_target)                                                          \
	X(git_reference_target_peel)                                                     \
	X(git_reference_peel)                                                            \
	X(git_reference_iterator_glob_new)                                               \
	X(git_reference_next)                                                            \
	X(git_reference_next_name)                                                       \
	X(git_reference_iterator_free)                                                   \
	X(git_revparse_single)                                                           \
	X(git_object_peel)                                                               \
	X(git_object_id)                                                                 \
	X(git_object_free)                                                               \
	X(git_object_lookup_bypath)                                                      \
	X(git_oid_tostr)                                                                 \
	X(git_oid_equal)                                                                 \
	X(git_commit_message)                                                            \
	X(git_commit_message_encoding)                                                   \
	X(git_commit_author)                                                             \
	X(git_commit_committer)                                                          \
	X(git_commit_parent_id)                                                          \
	X(git_tree_walk)                                                                 \
	X(git_tree_entry_name)                                                           \
	X(git_tree_entry_type)                                                           \
	X(git_blob_rawcontent)                                                           \
	X(git_blob_rawsize)                                                              \
	X(git_merge_base)                                                                \
	X(git_diff_tree_to_tree)                                                         \
	X(git_diff_num_deltas)                                                           \
	X(git_diff_get_delta)                                                            \
	X(git_diff_free)

struct git_lib {
	void *handle;
	git_repository *repo;
#define X(name) __typeof__(name) *name;
	FUNCTIONS(X)
#undef X
};

/* libgit2's last words. Its codes say what kind; the rest is for the other backend. */
static int
lib_error(const struct git_lib *l, int rc, struct error *err, const char *what)
{
	const git_error *e = l->git_error_last();
	const char *text = e == NULL || e->message == NULL ? "unknown error" : e->message;
	bool missing = rc == GIT_ENOTFOUND && e != NULL && e->klass != GIT_ERROR_ODB;

	return error_set(err, missing ? ERR_MISSING : ERR_FOREIGN, "%s: %s", what, text);
}

static int
load(struct git_lib *l, struct error *err)
{
	/* NODELETE: what libgit2 drags in does not all survive being unloaded */
	l->handle = dlopen(PAWL_LIBGIT2_SONAME, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	if (l->handle == NULL)
		return error_set(err, ERR_FOREIGN, "%s", dlerror());
#define X(name)                                                                          \
	*(void **)&l->name = dlsym(l->handle, #name);                                    \
	if (l->name == NULL)                                                             \
		return error_set(err, ERR_FOREIGN, "%s", dlerror());
	FUNCTIONS(X)
#undef X
	if (l->git_libgit2_init() < 0)
		return lib_error(l, GIT_ERROR, err, "libgit2");
	l->git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	return 0;
}

void
git_keep_library(void)
{
	struct git_lib kept = { .handle = NULL };
	struct error ignored = ERROR_INIT;

	/* it counts who uses it, and is never told that this one is gone */
	(void)load(&kept, &ignored);
}

void
git_lib_close(struct git_lib *l)
{
	if (l == NULL)
		return;
	if (l->repo != NULL) {
		l->git_repository_free(l->repo);
		l->git_libgit2_shutdown();
	}
	if (l->handle != NULL)
		dlclose(l->handle);
	free(l);
}

/* The open library, or NULL with err: ERR_FOREIGN. */
static struct git_lib *
lib_of(struct git_repo *repo, struct error *err)
{
	struct git_lib *l;
	int rc;

	if (repo->lib != NULL)
		return repo->lib;
	if (repo->lib_refused) {
		error_set(err, ERR_FOREIGN, "libgit2 cannot open %s", repo->work_tree);
		return NULL;
	}
	l = xcalloc(1, sizeof(*l));
	if (load(l, err) == 0) {
		__lsan_disable();
		rc = l->git_repository_open(&l->repo, repo->work_tree);
		__lsan_enable();
		if (rc == 0)
			return repo->lib = l;
		lib_error(l, GIT_ERROR, err, repo->work_tree);
		l->git_libgit2_shutdown();
	}
	repo->lib_refused = true;
	git_lib_close(l);
	return NULL;
}

/* A name to an object of that type. */
static int
lookup(struct git_lib *l, const char *name, git_object_t type, git_object **out,
    struct error *err)
{
	git_object *any = NULL;
	int rc = l->git_revparse_single(&any, l->repo, name);

	if (rc == 0) {
		rc = l->git_object_peel(out, any, type);
		l->git_object_free(any);
	}
	return rc < 0 ? lib_error(l, rc, err, name) : 0;
}

static int
lib_resolve(
    struct git_repo *repo, const char *name, char sha[GIT_SHA_MAX], struct error *err)
{
	struct git_lib *l = lib_of(repo, err);
	git_object *commit = NULL;

	if (l == NULL || lookup(l, name, GIT_OBJECT_COMMIT, &commit, err) < 0)
		return err->code;
	l->git_oid_tostr(sha, GIT_SHA_MAX, l->git_object_id(commit));
	l->git_object_free(commit);
	return 0;
}

static int
lib_refs(
    struct git_repo *repo, const char *prefix, struct strlist *out, struct error *err)
{
	cleanup_free char *glob = xasprintf("%s*", prefix);
	struct git_lib *l = lib_of(repo, err);
	git_reference_iterator *it;
	const char *name;
	int rc;

	if (l == NULL)
		return err->code;
	rc = l->git_reference_iterator_glob_new(&it, l->repo, glob);
	if (rc < 0)
		return lib_error(l, rc, err, prefix);
	while (l->git_reference_next_name(&name, it) == 0)
		strlist_add(out, name);
	l->git_reference_iterator_free(it);
	strlist_sort(out);
	return 0;
}

struct walk {
	struct git_lib *lib;
	struct strlist *out;
};

static int
on_tree_entry(const char *root, const git_tree_entry *entry, void *data)
{
	struct walk *w = data;

	if (w->lib->git_tree_entry_type(entry) == GIT_OBJECT_BLOB)
		strlist_add_take(
		    w->out, xasprintf("%s%s", root, w->lib->git_tree_entry_name(entry)));
	return 0;
}

static int
lib_files_at(
    struct git_repo *repo, const char *commit, struct strlist *out, struct error *err)
{
	struct git_lib *l = lib_of(repo, err);
	struct walk w = { l, out };
	size_t before = out->count;
	git_object *tree = NULL;
	int rc;

	if (l == NULL || lookup(l, commit, GIT_OBJECT_TREE, &tree, err) < 0)
		return err->code;
	rc = l->git_tree_walk((git_tree *)tree, GIT_TREEWALK_PRE, on_tree_entry, &w);
	l->git_object_free(tree);
	if (rc < 0) { /* git may know more, and starts anew */
		while (out->count > before)
			free(out->items[--out->count]);
		return lib_error(l, GIT_ERROR, err, commit);
	}
	strlist_sort(out);
	return 0;
}

static int
lib_blob(struct git_repo *repo, const char *commit, const char *path, size_t max,
    struct buf *out, struct error *err)
{
	struct git_lib *l = lib_of(repo, err);
	git_object *tree = NULL, *blob = NULL;
	git_object_size_t size;
	int rc;

	if (l == NULL || lookup(l, commit, GIT_OBJECT_TREE, &tree, err) < 0)
		return err->code;
	rc = l->git_object_lookup_bypath(&blob, tree, path, GIT_OBJECT_BLOB);
	l->git_object_free(tree);
	if (rc < 0)
		return lib_error(l, rc, err, path);
	size = l->git_blob_rawsize((git_blob *)blob);
	if (size > max)
		rc = error_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, max);
	else
		buf_add(out, l->git_blob_rawcontent((git_blob *)blob), (size_t)size);
	l->git_object_free(blob);
	return rc;
}

static int
lib_merge_base(struct git_repo *repo, const char *one, const char *other,
    char sha[GIT_SHA_MAX], struct error *err)
{
	struct git_lib *l = lib_of(repo, err);
	git_object *a = NULL, *b = NULL;
	git_oid base;
	int rc;

	if (l == NULL || lookup(l, one, GIT_OBJECT_COMMIT, &a, err) < 0)
		return err->code;
	rc = lookup(l, other, GIT_OBJECT_COMMIT, &b, err);
	if (rc == 0) {
		rc = l->git_merge_base(
		    &base, l->repo, l->git_object_id(a), l->git_object_id(b));
		l->git_object_free(b);
		if (rc < 0)
			rc = lib_error(l, rc, err, "no common ancestor");
		else
			l->git_oid_tostr(sha, GIT_SHA_MAX, &base);
	}
	l->git_object_free(a);
	return rc;
}

/* from's tree; NULL, the empty one, for "". */
static int
tree_to_compare(struct git_lib *l, const char *from, git_object **out, struct error *err)
{
	*out = NULL;
	return *from == '\0' ? 0 : lookup(l, from, GIT_OBJECT_TREE, out, err);
}

static void
add_deltas(struct git_lib *l, git_diff *diff, struct strlist *out)
{
	for (size_t i = 0; i < l->git_diff_num_deltas(diff); i++) {
		const git_diff_delta *d = l->git_diff_get_delta(diff, i);

		/* without rename detection both names are the same */
		strlist_add(out, d->new_file.path);
	}
	strlist_sort(out);
}

static int
lib_changed(struct git_repo *repo, const char *from, const char *to, struct strlist *out,
    struct error *err)
{
	struct git_lib *l = lib_of(repo, err);
	git_object *old_tree = NULL, *new_tree = NULL;
	git_diff *diff = NULL;
	int rc;

	if (l == NULL || tree_to_compare(l, from, &old_tree, err) < 0)
		return err->code;
	rc = lookup(l, to, GIT_OBJECT_TREE, &new_tree, err);
	if (rc == 0) {
		rc = l->git_diff_tree_to_tree(
		    &diff, l->repo, (git_tree *)old_tree, (git_tree *)new_tree, NULL);
		l->git_object_free(new_tree);
		if (rc < 0)
			rc = lib_error(l, rc, err, "cannot compare commits");
	}
	l->git_object_free(old_tree);
	if (rc < 0)
		return rc;
	add_deltas(l, diff, out);
	l->git_diff_free(diff);
	return 0;
}

static void
fill_person(struct git_person *p, const git_signature *sig)
{
	p->name = git_text_utf8(sig->name);
	p->email = git_text_utf8(sig->email);
	p->time = sig->when.time;
	p->offset_min = sig->when.offset;
}

/* Other encodings are for git itself to convert. */
static int
fill_commit(struct git_lib *l, git_commit *c, struct git_facts *f, struct error *err)
{
	const char *encoding = l->git_commit_message_encoding(c);
	const git_oid *parent = l->git_commit_parent_id(c, 0);

	if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0)
		return error_set(err, ERR_FOREIGN, "the commit is in %s", encoding);
	l->git_oid_tostr(f->sha, sizeof(f->sha), l->git_object_id((git_object *)c));
	if (parent != NULL)
		l->git_oid_tostr(f->parent, sizeof(f->parent), parent);
	f->message = git_text_utf8(l->git_commit_message(c));
	fill_person(&f->author, l->git_commit_author(c));
	fill_person(&f->committer, l->git_commit_committer(c));
	return 0;
}

static int
lib_commit(
    struct git_repo *repo, const char *name, struct git_facts *f, struct error *err)
{
	struct git_lib *l = lib_of(repo, err);
	git_object *commit = NULL;
	int rc;

	if (l == NULL || lookup(l, name, GIT_OBJECT_COMMIT, &commit, err) < 0)
		return err->code;
	rc = fill_commit(l, (git_commit *)commit, f, err);
	l->git_object_free(commit);
	return rc;
}

static bool
points_at(struct git_lib *l, git_reference *ref, const git_oid *commit)
{
	const git_oid *target = l->git_reference_target_peel(ref);
	git_object *peeled = NULL;
	bool same;

	if (target == NULL) /* known for packed annotated tags only */
		target = l->git_reference_target(ref);
	if (target != NULL && l->git_oid_equal(target, commit))
		return true;
	if (l->git_reference_target_peel(ref) != NULL ||
	    l->git_reference_peel(&peeled, ref, GIT_OBJECT_COMMIT) < 0)
		return false;
	same = l->git_oid_equal(l->git_object_id(peeled), commit);
	l->git_object_free(peeled);
	return same;
}

static void
fill_tags(struct git_lib *l, const git_oid *commit, struct git_facts *f)
{
	git_reference_iterator *it;
	git_reference *ref;

	if (l->git_reference_iterator_glob_new(&it, l->repo, "refs/tags/*") < 0)
		return;
	while (l->git_reference_next(&ref, it) == 0) {
		if (points_at(l, ref, commit))
			strlist_add(&f->tags, l->git_reference_shorthand(ref));
		l->git_reference_free(ref);
	}
	l->git_reference_iterator_free(it);
	strlist_sort(&f->tags);
}

static char *
config_string(struct git_lib *l, git_config *config, const char *name)
{
	const char *value;

	return l->git_config_get_string(&value, config, name) == 0 ? xstrdup(value)
								   : NULL;
}

/*
 * origin's URL with url.BASE.insteadOf applied, the longest match winning. Done here,
 * because git_remote_lookup() of 1.5 leaks 20 kB for each line of configuration.
 */
static char *
origin_url(struct git_lib *l, git_config *config)
{
	cleanup_free char *url = config_string(l, config, "remote.origin.url");
	cleanup_free char *base = NULL;
	git_config_iterator *it;
	git_config_entry *e;
	size_t longest = 0;

	if (url == NULL || l->git_config_iterator_new(&it, config) < 0)
		return take(url);
	while (l->git_config_next(&e, it) == 0) {
		if (!str_starts(e->name, "url.") || !str_ends(e->name, ".insteadof") ||
		    !str_starts(url, e->value) || strlen(e->value) <= longest)
			continue;
		longest = strlen(e->value);
		free(base);
		base = xstrndup(e->name + strlen("url."),
		    strlen(e->name) - strlen("url.") - strlen(".insteadof"));
	}
	l->git_config_iterator_free(it);
	return base == NULL ? take(url) : xasprintf("%s%s", base, url + longest);
}

/* What refs and configuration add; each may be missing. */
static void
fill_surroundings(struct git_repo *repo, struct git_facts *f)
{
	struct git_lib *l = repo->lib;
	cleanup_free char *configured = NULL;
	git_reference *ref;
	git_config *config;

	if (l->git_repository_config_snapshot(&config, l->repo) == 0) {
		f->user_name = config_string(l, config, "user.name");
		f->user_email = config_string(l, config, "user.email");
		configured = config_string(l, config, "init.defaultBranch");
		f->remote_url = origin_url(l, config);
		l->git_config_free(config);
	}
	if (l->git_reference_lookup(&ref, l->repo, GIT_TEXT_ORIGIN_HEAD) == 0) {
		f->default_branch =
		    git_text_origin_branch(l->git_reference_symbolic_target(ref));
		l->git_reference_free(ref);
	}
	if (f->default_branch == NULL)
		f->default_branch = git_guess_default_branch(
		    repo, &git_lib_backend, configured, f->branch);
	f->shallow = l->git_repository_is_shallow(l->repo) == 1;
}

static int
lib_facts(struct git_repo *repo, struct git_facts *f, struct error *err)
{
	struct git_lib *l = lib_of(repo, err);
	git_reference *head;
	git_object *commit = NULL;
	int rc;

	if (l == NULL)
		return err->code;
	rc = l->git_repository_head(&head, l->repo);
	if (rc == GIT_EUNBORNBRANCH)
		return git_error_unborn(repo, err);
	if (rc < 0)
		return error_set(err, ERR_FOREIGN, "cannot read HEAD");
	rc = l->git_reference_peel(&commit, head, GIT_OBJECT_COMMIT);
	if (rc < 0)
		rc = error_set(err, ERR_FOREIGN, "cannot read the commit of HEAD");
	else
		rc = fill_commit(l, (git_commit *)commit, f, err);
	if (rc == 0) {
		if (l->git_repository_head_detached(l->repo) == 0)
			f->branch = xstrdup(l->git_reference_shorthand(head));
		fill_tags(l, l->git_object_id(commit), f);
		fill_surroundings(repo, f);
	}
	l->git_object_free(commit);
	l->git_reference_free(head);
	return rc;
}

const struct git_backend git_lib_backend = {
	.facts = lib_facts,
	.commit = lib_commit,
	.resolve = lib_resolve,
	.refs = lib_refs,
	.files_at = lib_files_at,
	.blob = lib_blob,
	.merge_base = lib_merge_base,
	.changed = lib_changed,
};
