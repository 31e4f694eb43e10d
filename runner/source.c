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
#include "runner/source_refs.h"

#define FETCH_LIMIT_MS (60 * 60 * 1000)

/* One job's source on its way. */
struct getting {
	const struct source_options *o;
	const struct job_payload *job;
	struct buf *log;
	char *url, *credentials; /* of the repository; credentials may be NULL */
	char *base;              /* sources/<project> */
	char *repo;              /* the bare repository that has the commit */
};

void
source_clear(struct source *s)
{
	snapshot_release(s->snapshot);
	buf_clear(&s->packed_refs);
	free(s->dir);
	*s = (struct source){ .snapshot = NULL };
}

bool
source_is_unwanted(const struct job_payload *job)
{
	const char *strategy = job_payload_variable(job, "GIT_STRATEGY");

	return strategy != NULL &&
	    (str_eq(strategy, "none") || str_eq(strategy, "empty"));
}

/* ---- addresses ------------------------------------------------------------- */

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

static char *
decode_percent(const char *text, size_t len)
{
	char *out = xstrndup(text, len), *to = out;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 &&
		    hex_digit(text[i + 2]) >= 0) {
			*to++ =
			    (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
			i += 2;
		} else {
			*to++ = text[i];
		}
	}
	*to = '\0';
	return out;
}

char *
source_clean_url(const char *url, char **credentials)
{
	const char *scheme = strstr(url, "://"), *host, *at;

	if (credentials != NULL)
		*credentials = NULL;
	if (scheme == NULL || strncasecmp(url, "http", 4) != 0)
		return xstrdup(url);
	host = scheme + 3;
	at = memrchr(host, '@', strcspn(host, "/?#"));
	if (at == NULL)
		return xstrdup(url);
	if (credentials != NULL)
		*credentials = decode_percent(host, (size_t)(at - host));
	return xasprintf("%.*s%s", (int)(host - url), url, at + 1);
}

static char *
base64(const char *text)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(text);
	char *out = xmalloc((len + 2) / 3 * 4 + 1), *p = out;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t n = (uint32_t)(unsigned char)text[i] << 16;

		if (i + 1 < len)
			n |= (uint32_t)(unsigned char)text[i + 1] << 8;
		if (i + 2 < len)
			n |= (unsigned char)text[i + 2];
		*p++ = digits[n >> 18];
		*p++ = digits[n >> 12 & 63];
		*p++ = i + 1 < len ? digits[n >> 6 & 63] : '=';
		*p++ = i + 2 < len ? digits[n & 63] : '=';
	}
	*p = '\0';
	return out;
}

/* A server's word: it must not lead out of the folder of repositories. */
static bool
is_project_path(const char *path)
{
	cleanup_free char *clean = path == NULL ? NULL : path_clean(path);

	return clean != NULL && str_eq(clean, path) && !str_eq(path, ".");
}

/* ---- git fetch ------------------------------------------------------------- */

/* What git is told through its environment, in GIT_CONFIG_* pairs. */
struct git_env {
	struct strlist entries;
	size_t settings;
};

static void
add_env(struct git_env *e, const char *key, const char *value)
{
	strlist_add_take(&e->entries, xasprintf("%s=%s", key, value));
}

static void
add_setting(struct git_env *e, const char *key, const char *value)
{
	strlist_add_take(
	    &e->entries, xasprintf("GIT_CONFIG_KEY_%zu=%s", e->settings, key));
	strlist_add_take(
	    &e->entries, xasprintf("GIT_CONFIG_VALUE_%zu=%s", e->settings, value));
	e->settings++;
}

static void
add_inherited(struct git_env *e)
{
	static const char *const names[] = { "PATH", "HOME", "http_proxy", "https_proxy",
		"HTTPS_PROXY", "no_proxy", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE",
		"SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSH", "GIT_SSH_COMMAND",
		"SSH_AUTH_SOCK", "TMPDIR" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL)
			add_env(e, names[i], value);
	}
}

static void
fill_env(struct git_env *e, const struct getting *g)
{
	const char *host = strstr(g->url, "://");
	char count[24];

	add_inherited(e);
	add_env(e, "LC_ALL", "C.UTF-8");
	add_env(e, "GIT_TERMINAL_PROMPT", "0");
	add_env(e, "GIT_ALLOW_PROTOCOL", "http:https:ssh:git:file");
	add_setting(e, "safe.directory", "*");
	add_setting(e, "gc.auto", "0");
	add_setting(e, "credential.helper", "");
	if (g->o->ca_file != NULL)
		add_setting(e, "http.sslCAInfo", g->o->ca_file);
	if (g->credentials != NULL && host != NULL) {
		cleanup_free char *code = base64(g->credentials);
		cleanup_free char *value = xasprintf("Authorization: Basic %s", code);
		cleanup_free char *key = xasprintf("http.%.*s/.extraHeader",
		    (int)((size_t)(host - g->url) + 3 + strcspn(host + 3, "/")), g->url);

		add_setting(e, key, value);
		explicit_bzero(code, strlen(code));
	}
	(void)snprintf(count, sizeof(count), "%zu", e->settings);
	add_env(e, "GIT_CONFIG_COUNT", count);
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
run_fetch(const struct getting *g, struct error *err)
{
	cleanup_strlist struct strlist argv = STRLIST_INIT;
	struct git_env env = { .entries = STRLIST_INIT };
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
	fill_env(&env, g);
	args = xcalloc(argv.count + 1, sizeof(*args));
	memcpy(args, argv.items, argv.count * sizeof(*args));
	vars = xcalloc(env.entries.count + 1, sizeof(*vars));
	memcpy(vars, env.entries.items, env.entries.count * sizeof(*vars));
	p.argv = args;
	p.env = vars;
	rc = process_run(&p, &out, NULL, err);
	free(args);
	free(vars);
	strlist_clear(&env.entries);
	return rc < 0 ? error_wrap(err, "cannot fetch from %s", g->url) : 0;
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
	return run_fetch(g, err);
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

static int
get_tree(struct getting *g, const char *sets, struct source *out, struct error *err)
{
	const char *sha = g->job->git.sha;
	struct error ignored = ERROR_INIT;

	out->dir = xasprintf("%s/%s", sets, sha);
	if (snapshot_reuse(out->dir, &out->snapshot, &ignored) == 0)
		return 0;
	if (g->o->repos_dir == NULL && fetch(g, err) < 0)
		return err->code;
	if (snapshot_of_commit(g->repo, sha, *g->url == '\0' ? NULL : g->url, sets,
		&out->snapshot, err) < 0)
		return err->code;
	return 0;
}

static void
announce(const struct getting *g)
{
	const struct job_git *git = &g->job->git;

	buf_printf(g->log, "Checking out %.8s as detached HEAD (ref is %s)...\n",
	    git->sha, git->ref == NULL ? "unknown" : git->ref);
}

int
source_get(const struct source_options *options, const struct job_payload *job,
    struct source *out, struct buf *log, struct error *err)
{
	struct getting g = { .o = options, .job = job, .log = log };
	struct source got = { .snapshot = NULL };
	cleanup_free char *sets = NULL;
	int rc = begin(&g, err);

	if (rc == 0) {
		sets = path_join(g.base, "layers");
		rc = get_tree(&g, sets, &got, err);
	}
	if (rc == 0) {
		announce(&g);
		source_refs_pack(g.repo, job, &got.packed_refs);
		*out = got;
	} else {
		source_clear(&got);
	}
	if (g.credentials != NULL)
		explicit_bzero(g.credentials, strlen(g.credentials));
	free(g.credentials);
	free(g.url);
	free(g.base);
	free(g.repo);
	return rc;
}

int
source_write_refs(const struct source *source, const char *dir, struct error *err)
{
	cleanup_free char *git_dir = path_join(dir, ".git");
	cleanup_free char *file = path_join(git_dir, "packed-refs");

	if (source->packed_refs.len == 0)
		return 0;
	if (path_mkdirs(git_dir, 0777, err) < 0)
		return err->code;
	return path_write_file(
	    file, source->packed_refs.data, source->packed_refs.len, 0666, err);
}
