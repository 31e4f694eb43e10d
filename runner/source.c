/* From a job's git_info to a tree of files. */
#include "runner/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/path.h"
#include "base/process.h"
#include "runner/commit_set.h"
#include "runner/git_env.h"
#include "runner/source_lfs.h"
#include "runner/source_modules.h"
#include "runner/source_refs.h"
#include "runner/source_settings.h"
#include "runner/source_url.h"

#define FETCH_LIMIT_MS (60 * 60 * 1000)
#define RETRY_S 5
#define MAX_SHALLOW ((size_t)64 << 20)

/* One job's source on its way. */
struct getting {
	const struct source_options *o;
	const struct job_payload *job;
	const struct source_settings *settings;
	struct buf *log;
	char *url, *credentials; /* of the repository; credentials may be NULL */
	char *base;              /* sources/<project> */
	char *repo;              /* the bare repository that has the commit */
	bool lfs;                /* git-lfs writes files */
	struct git_env git;      /* what every git is told */
};

void
source_clear(struct source *s)
{
	snapshot_release(s->snapshot);
	buf_clear(&s->packed_refs);
	buf_clear(&s->shallow);
	free(s->note);
	*s = (struct source){ .snapshot = NULL };
}

bool
source_is_unwanted(const struct job_payload *job)
{
	const char *strategy = job_payload_variable(job, "GIT_STRATEGY");

	return strategy != NULL &&
	    (str_eq(strategy, "none") || str_eq(strategy, "empty"));
}

/* A server's word: it must not lead out of the folder of repositories. */
static bool
is_project_path(const char *path)
{
	cleanup_free char *clean = path == NULL ? NULL : path_clean(path);

	return clean != NULL && str_eq(clean, path) && !str_eq(path, ".");
}

/* ---- git fetch ------------------------------------------------------------- */

/*
 * Files of this machine are read when the project itself is one: else the address of a
 * submodule could be that of somebody else's repository here.
 */
static void
add_protocols(struct git_env *e, const char *url)
{
	bool is_file = str_starts(url, "/") || str_starts(url, "file:");

	git_env_add(e, "GIT_ALLOW_PROTOCOL",
	    is_file ? "http:https:ssh:git:file" : "http:https:ssh:git");
	git_env_set(e, "protocol.file.allow", is_file ? "always" : "never");
}

/* Addresses of this server by SSH are those by HTTP. */
static void
force_https(struct getting *g, const char *server)
{
	cleanup_strlist struct strlist forms = STRLIST_INIT;
	cleanup_free char *key =
	    xasprintf("url.%s%s/.insteadOf", server, source_server_path(g->job, server));

	source_ssh_forms(g->job, server, &forms);
	for (size_t i = 0; i < forms.count; i++)
		git_env_set(&g->git, key, forms.items[i]);
}

static void
fill_env(struct getting *g)
{
	cleanup_free char *server = source_server_of(g->url);
	cleanup_free char *storage =
	    path_join(g->o->repos_dir != NULL ? g->base : g->repo, "lfs");
	struct git_env *e = &g->git;

	git_env_add_ways_out(e);
	add_protocols(e, g->url);
	git_env_set(e, "safe.directory", "*");
	git_env_set(e, "gc.auto", "0");
	git_env_set(e, "credential.helper", "");
	source_lfs_add(e, g->lfs, storage);
	if (g->o->ca_file != NULL)
		git_env_set(e, "http.sslCAInfo", g->o->ca_file);
	if (g->credentials != NULL && server != NULL) {
		cleanup_free char *code = source_base64(g->credentials);
		cleanup_free char *value = xasprintf("Authorization: Basic %s", code);
		cleanup_free char *key = xasprintf("http.%s/.extraHeader", server);

		git_env_set(e, key, value);
		explicit_bzero(code, strlen(code));
		explicit_bzero(value, strlen(value));
	}
	if (server != NULL && g->settings->force_https)
		force_https(g, server);
}

/* An empty bare repository, without starting git for it. */
static int
make_mirror(const char *dir, const char *sha, struct error *err)
{
	static const char *const folders[] = { "objects/info", "objects/pack",
		"refs/heads" };
	bool sha256 = strlen(sha) == GIT_SHA_MAX - 1;
	cleanup_free char *config = xasprintf("[core]\n\trepositoryformatversion = %d\n"
					      "\tbare = true\n%s",
	    sha256, sha256 ? "[extensions]\n\tobjectformat = sha256\n" : "");
	cleanup_free char *head = path_join(dir, "HEAD"),
			  *file = path_join(dir, "config");

	if (access(head, F_OK) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		cleanup_free char *folder = path_join(dir, folders[i]);

		if (path_mkdirs(folder, 0700, err) < 0)
			return err->code;
	}
	if (path_write_file(file, config, strlen(config), 0600, err) < 0)
		return err->code;
	return path_write_file(head, "ref: refs/heads/none\n", 21, 0600, err);
}

static bool
is_new(const char *repo)
{
	cleanup_free char *marker = path_join(repo, "FETCH_HEAD");

	return access(marker, F_OK) < 0;
}

/* A mirror that has all of the history stays so; one that has not is deepened when a job
 * asks for more. */
static void
add_depth(const struct getting *g, struct strlist *argv)
{
	cleanup_free char *shallow = path_join(g->repo, "shallow");
	bool is_shallow = access(shallow, F_OK) == 0;

	if (g->job->git.depth <= 0 && is_shallow)
		strlist_add(argv, "--unshallow");
	else if (g->job->git.depth > 0 && (is_shallow || is_new(g->repo)))
		strlist_add_take(argv, xasprintf("--depth=%" PRId64, g->job->git.depth));
}

static int
run_fetch(struct getting *g, struct error *err)
{
	cleanup_strlist struct strlist argv = STRLIST_INIT;
	cleanup_git_env struct git_env env = GIT_ENV_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct process p = { .cwd = g->repo, .timeout_ms = FETCH_LIMIT_MS };
	const char **args, **vars;
	int rc;

	strlist_add(&argv, "git");
	strlist_add(&argv, "fetch");
	strlist_add(&argv, "--no-recurse-submodules");
	strlist_add(&argv, "--no-auto-maintenance");
	strlist_add(&argv, "--force");
	strlist_add(&argv, "--quiet");
	add_depth(g, &argv);
	strlist_add(&argv, "--");
	strlist_add(&argv, g->url);
	source_refs_to_fetch(g->job, &argv);
	if (g->settings->all_tags)
		strlist_add(&argv, "+refs/tags/*:refs/tags/*");
	git_env_append(&env, &g->git);
	args = xcalloc(argv.count + 1, sizeof(*args));
	memcpy(args, argv.items, argv.count * sizeof(*args));
	vars = git_env_finish(&env);
	p.argv = args;
	p.env = vars;
	rc = process_run(&p, &out, NULL, err);
	free(args);
	free(vars);
	return rc < 0 ? error_wrap(err, "cannot fetch from %s", g->url) : 0;
}

/* GET_SOURCES_ATTEMPTS */
static int
try_fetch(struct getting *g, struct error *err)
{
	for (unsigned i = 1; run_fetch(g, err) < 0; i++) {
		if (i >= g->settings->attempts)
			return err->code;
		buf_printf(g->log, "%s; once more in %d s (%u of %u)\n", err->msg,
		    RETRY_S, i + 1, g->settings->attempts);
		*err = (struct error)ERROR_INIT;
		sleep(RETRY_S);
	}
	return 0;
}

static int
fetch(struct getting *g, struct error *err)
{
	cleanup_free char *file = path_join(g->base, "fetch.lock");
	cleanup_close int lock = -1;

	if (path_mkdirs(g->base, 0700, err) < 0)
		return err->code;
	lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return error_errno(err, "cannot lock %s", file);
	if (make_mirror(g->repo, g->job->git.sha, err) < 0)
		return err->code;
	if (g->job->git.depth > 0)
		buf_printf(g->log,
		    "Fetching changes with git depth set to %" PRId64 "...\n",
		    g->job->git.depth);
	else
		buf_add_str(g->log, "Fetching changes...\n");
	return try_fetch(g, err);
}

/* ---- all of it ------------------------------------------------------------- */

static char *
project_name(const char *path)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char *out = xstrdup(name == NULL || *name == '\0' ? "project" : name);

	for (char *p = out; *p != '\0'; p++)
		if (strchr(
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
			*p) == NULL)
			*p = '-';
	return out;
}

static int
begin(struct getting *g, struct error *err)
{
	const struct job_payload *job = g->job;
	const char *path = job->project_full_path;
	cleanup_free char *name = project_name(path), *what = NULL;
	char hash[HASH_SHA256_HEX];

	if (g->o->repos_dir != NULL) {
		if (!is_project_path(path))
			return error_set(err, ERR_INVALID,
			    "job_info.project_full_path is no path of a project");
		g->repo = xasprintf("%s/%s.git", g->o->repos_dir, path);
	} else if (job->git.repo_url == NULL || *job->git.repo_url == '\0') {
		return error_set(err, ERR_INVALID, "git_info.repo_url is missing");
	}
	g->url = source_clean_url(
	    job->git.repo_url != NULL ? job->git.repo_url : "", &g->credentials);
	what = xasprintf("%s %s", g->repo != NULL ? g->repo : "", g->url);
	hash_sha256_hex(what, strlen(what), hash);
	g->base = xasprintf("%s/sources/%s-%.16s", g->o->state_dir, name, hash);
	if (g->repo == NULL)
		g->repo = path_join(g->base, "mirror.git");
	return 0;
}

/*
 * How much history a commit was fetched with, beside its tree: later fetches of the
 * mirror may move where it ends. 0: all of it.
 */
static int64_t
known_depth(const char *dir)
{
	cleanup_free char *file = path_join(dir, COMMIT_SET_DEPTH);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (buf_read_file(&text, file, 32, &ignored) < 0 || text.len == 0)
		return 0;
	return strtoll(text.data, NULL, 10);
}

static bool
is_deep_enough(const struct getting *g, const char *dir)
{
	int64_t known = known_depth(dir), wanted = g->job->git.depth;

	return known == 0 || (wanted > 0 && wanted <= known);
}

static int
note_depth(const struct getting *g, const char *dir, struct error *err)
{
	cleanup_free char *from = path_join(g->repo, "shallow");
	cleanup_free char *to = path_join(dir, COMMIT_SET_SHALLOW);
	cleanup_free char *file = path_join(dir, COMMIT_SET_DEPTH);
	cleanup_buf struct buf text = BUF_INIT;
	char number[24];

	if (access(from, F_OK) < 0) {
		unlink(file);
		return unlink(to) < 0 && errno != ENOENT
		    ? error_errno(err, "cannot remove %s", to)
		    : 0;
	}
	(void)snprintf(number, sizeof(number), "%" PRId64, g->job->git.depth);
	if (buf_read_file(&text, from, MAX_SHALLOW, err) < 0 ||
	    path_write_file(to, buf_str(&text), text.len, 0600, err) < 0)
		return err->code;
	return path_write_file(file, number, strlen(number), 0600, err);
}

static int
make_tree(struct getting *g, const char *sets, const char *dir, struct source *out,
    struct error *err)
{
	const char *sha = g->job->git.sha;

	if (g->o->repos_dir == NULL && fetch(g, err) < 0)
		return err->code;
	if (out->snapshot == NULL &&
	    snapshot_of_commit(g->repo, sha, *g->url == '\0' ? NULL : g->url, &g->git,
		sets, &out->snapshot, err) < 0)
		return !g->lfs || strstr(err->msg, "lfs") == NULL
		    ? err->code
		    : error_wrap(err,
			  "large files (git-lfs; GIT_LFS_SKIP_SMUDGE: \"1\" leaves "
			  "what stands for them)");
	return g->o->repos_dir == NULL ? note_depth(g, dir, err) : 0;
}

static int
get_tree(struct getting *g, struct source *out, struct error *err)
{
	cleanup_free char *sets =
	    path_join(g->base, g->lfs ? SOURCE_LFS_SETS : SOURCE_SETS);
	cleanup_free char *dir = path_join(sets, g->job->git.sha);
	cleanup_free char *shallow = path_join(dir, COMMIT_SET_SHALLOW);
	struct error ignored = ERROR_INIT;

	out->note = xstrdup(dir);
	if (snapshot_reuse(dir, &out->snapshot, &ignored) < 0 ||
	    (g->o->repos_dir == NULL &&
		(g->settings->all_tags || !is_deep_enough(g, dir)))) {
		if (make_tree(g, sets, dir, out, err) < 0)
			return err->code;
	}
	if (access(shallow, F_OK) == 0 &&
	    buf_read_file(&out->shallow, shallow, MAX_SHALLOW, err) < 0)
		return err->code;
	if (!g->lfs && !g->settings->skip_lfs && source_lfs_is_wanted(out->snapshot, dir))
		buf_add_str(g->log,
		    "WARNING: this repository has large files in git-lfs, which is not "
		    "installed on this machine: what stands for them is there instead\n");
	return 0;
}

static int
get_submodules(struct getting *g, struct source *out, struct error *err)
{
	const struct source_modules m = { .base = g->base,
		.repo = g->repo,
		.sha = g->job->git.sha,
		.url = g->url,
		.job = g->job->id,
		.git = &g->git,
		.lfs = g->lfs,
		.settings = g->settings,
		.snapshot = out->snapshot,
		.dir = out->note };
	cleanup_free char *dir = NULL, *note = NULL;

	if (!g->settings->submodules)
		return 0;
	if (source_modules_get(&m, &dir, g->log, err) < 0)
		return err->code;
	if (dir == NULL)
		return 0;
	if (snapshot_add_set(out->snapshot, dir, err) < 0)
		return err->code;
	note = out->note;
	out->note = xasprintf("%s\n%s", note, dir);
	return 0;
}

static void
announce(const struct getting *g)
{
	const struct job_git *git = &g->job->git;

	buf_printf(g->log, "Checking out %.8s as detached HEAD (ref is %s)...\n",
	    git->sha, git->ref == NULL ? "unknown" : git->ref);
}

/* The words of a log are in order: sources, then what lies in them. */
static int
get_all(struct getting *g, struct source *out, struct error *err)
{
	if (begin(g, err) < 0)
		return err->code;
	g->lfs = !g->settings->skip_lfs && source_lfs_is_there();
	fill_env(g);
	if (get_tree(g, out, err) < 0)
		return err->code;
	announce(g);
	if (get_submodules(g, out, err) < 0)
		return err->code;
	source_refs_pack(g->repo, g->job, &out->packed_refs);
	return 0;
}

int
source_get(const struct source_options *options, const struct job_payload *job,
    struct source *out, struct buf *log, struct error *err)
{
	cleanup_source_settings struct source_settings settings = { .attempts = 1 };
	struct getting g = { .o = options,
		.job = job,
		.settings = &settings,
		.log = log,
		.git = GIT_ENV_INIT };
	struct source got = { .snapshot = NULL };
	int rc = source_settings_read(job, &settings, log, err);

	if (rc == 0)
		rc = get_all(&g, &got, err);
	if (rc == 0)
		*out = got;
	else
		source_clear(&got);
	if (g.credentials != NULL)
		explicit_bzero(g.credentials, strlen(g.credentials));
	git_env_clear(&g.git);
	free(g.credentials);
	free(g.url);
	free(g.base);
	free(g.repo);
	return rc;
}

int
source_hold(const char *note, struct snapshot **out, struct error *err)
{
	const char *end = strchrnul(note, '\n');
	cleanup_free char *dir = xstrndup(note, (size_t)(end - note));
	struct snapshot *s = NULL;

	if (snapshot_reuse(dir, &s, err) < 0)
		return err->code;
	if (*end != '\0' && snapshot_add_set(s, end + 1, err) < 0) {
		snapshot_release(s);
		return err->code;
	}
	*out = s;
	return 0;
}

static int
write_git_file(
    const char *git_dir, const char *name, const struct buf *text, struct error *err)
{
	cleanup_free char *file = path_join(git_dir, name);

	if (text->len == 0)
		return 0;
	return path_write_file(file, text->data, text->len, 0666, err);
}

int
source_write_refs(const struct source *source, const char *dir, struct error *err)
{
	cleanup_free char *git_dir = path_join(dir, ".git");

	if (source->packed_refs.len == 0 && source->shallow.len == 0)
		return 0;
	if (path_mkdirs(git_dir, 0777, err) < 0 ||
	    write_git_file(git_dir, "packed-refs", &source->packed_refs, err) < 0)
		return err->code;
	return write_git_file(git_dir, "shallow", &source->shallow, err);
}
