/*
 * What is the same for all jobs is one text, of plain sh; what follows it are its calls,
 * one per cache. pawl_cache_dir is what pawl-custom knows of the driver's cache_dir.
 */
#include "runner/cache_script.h"

#include "runner/cache_internal.h"
#include "runner/collect.h"

#define VALID_SLACK_S 600

/* Names of files with newlines are left out: lists are of lines. */
static const char shared_part[] =
    "pawl_dir=${pawl_cache_dir:+$pawl_cache_dir/$CI_PROJECT_PATH}\n"
    ": \"${pawl_dir:=$CI_PROJECT_DIR.tmp/caches}\"\n"
    "pawl_marks=$CI_PROJECT_DIR.tmp/restored\n"
    "pawl_away=\n"
    "pawl_warn() { printf '\\033[0;33mWARNING: %s\\033[0;m\\n' \"$*\"; }\n"
    "pawl_has() { command -v \"$1\" >/dev/null 2>&1; }\n"
    /* the address is nobody's business: no argument */
    "pawl_call() { # URL ARGUMENTS…: prints the status\n"
    "pawl_url=$1; shift\n"
    "printf 'url = \"%s\"\\n' \"$pawl_url\" | curl -K - -sS -w '%{http_code}' "
    "--connect-timeout 10 --speed-limit 1 --speed-time 10 --max-time \"$pawl_limit\" "
    "\"$@\" 2>\"$pawl_dir/pawl-said.$CI_JOB_ID\"\n"
    "}\n"
    "pawl_refused() { # KEY STATUS\n"
    "pawl_away=1\n"
    "pawl_warn \"the remote cache cannot be used for $1: "
    "$(head -n 1 \"$pawl_dir/pawl-said.$CI_JOB_ID\" | grep . || echo \"HTTP status $2\")\"\n"
    "}\n"
    "pawl_can_call() { # URL\n"
    "[ -n \"$1\" ] && [ -z \"$pawl_away\" ] || return 1\n"
    "pawl_has curl && return\n"
    "pawl_away=1\n"
    "pawl_warn 'the remote cache cannot be used: curl is not installed where the driver "
    "runs scripts'\n"
    "return 1\n"
    "}\n"
    "mkdir -p \"$pawl_dir\" \"$pawl_marks\" || exit 1\n"
    "trap 'rm -f \"$pawl_dir/pawl-said.$CI_JOB_ID\"' EXIT\n";

static const char restore_part[] =
    "pawl_get() { # KEY URL: makes pawl_file what is newest\n"
    "pawl_file=$pawl_dir/$1/cache.zip\n"
    "mkdir -p \"${pawl_file%/*}\" || return 1\n"
    "if pawl_can_call \"$2\"; then\n"
    "pawl_new=$pawl_file.$CI_JOB_ID\n"
    "pawl_old=; if [ -s \"$pawl_file\" ]; then pawl_old=$pawl_file; fi\n"
    "pawl_status=$(pawl_call \"$2\" -R -o \"$pawl_new\" ${pawl_old:+-z \"$pawl_old\"})\n"
    "case $pawl_status in\n"
    "200) mv -f \"$pawl_new\" \"$pawl_file\"; echo \"Fetched cache $1 from $pawl_host\" ;;\n"
    "304|404) ;;\n"
    "*) pawl_refused \"$1\" \"$pawl_status\" ;;\n"
    "esac\n"
    "rm -f \"$pawl_new\"\n"
    "fi\n"
    "[ -s \"$pawl_file\" ]\n"
    "}\n"
    "pawl_unpack() { # ARCHIVE\n"
    "case $(od -An -tx1 -N4 <\"$1\" | tr -d ' \\n') in\n"
    "504b*) pawl_tool=unzip ;; 28b52ffd) pawl_tool=zstd ;; *) pawl_tool= ;;\n"
    "esac\n"
    "if [ -z \"$pawl_tool\" ]; then pawl_warn 'what the cache has is no archive'; return 1; fi\n"
    "if ! pawl_has $pawl_tool; then\n"
    "pawl_warn \"the cache cannot be unpacked: $pawl_tool is not installed where the driver "
    "runs scripts\"\nreturn 1\nfi\n"
    "if [ $pawl_tool = zstd ]; then zstd -dc \"$1\" | tar -xf -; return; fi\n"
    "unzip -qo \"$1\" || [ $? = 1 ] # 1: there were warnings\n"
    "}\n"
    "pawl_restore() { # ENTRY {KEY URL}…\n"
    "pawl_entry=$1; shift\n"
    "rm -f \"$pawl_marks/$pawl_entry\"\n"
    "while [ $# -gt 0 ]; do\n"
    "echo \"Checking cache for $1...\"\n"
    "if pawl_get \"$1\" \"$2\"; then\n"
    "if pawl_unpack \"$pawl_file\"; then\n"
    "echo 'Successfully extracted cache'\n"
    "echo \"$1\" >\"$pawl_marks/$pawl_entry\"\n"
    "else pawl_warn 'Failed to extract cache'\nfi\n"
    "return 0\n"
    "fi\n"
    "echo \"No cache for $1\"\n"
    "shift 2\n"
    "done\n"
    "}\n";

static const char save_part[] =
    "if [ -n \"${BASH_VERSION-}\" ]; then shopt -s dotglob globstar nullglob; fi\n"
    "pawl_newline='\n'\n"
    "pawl_list() { # PATH…: all that is there\n"
    "for pawl_path; do\n"
    "case $pawl_path in -*) pawl_path=./$pawl_path ;; esac\n"
    "if [ -e \"$pawl_path\" ] || [ -L \"$pawl_path\" ]; then\n"
    "find \"$pawl_path\" -name \"*$pawl_newline*\" -prune -o -print\n"
    "else pawl_warn \"$pawl_path: no matching files\" >&2\n"
    "fi\n"
    "done\n"
    "}\n"
    "pawl_pack() { # ARCHIVE LIST\n"
    "for pawl_tool in $pawl_tools; do\n"
    "pawl_has $pawl_tool || continue\n"
    "if [ $pawl_tool = zip ]; then (rm -f \"$1\"; zip -qy - -@ <\"$2\" >\"$1\"); return; fi\n"
    "tar --no-recursion -cf \"$1.tar\" -T \"$2\" && zstd -qc \"$1.tar\" >\"$1\"\n"
    "pawl_status=$?; rm -f \"$1.tar\"; return $pawl_status\n"
    "done\n"
    "pawl_warn 'neither zip nor zstd is installed where the driver runs scripts'\n"
    "return 1\n"
    "}\n"
    "pawl_is_same() { # MARK KEY LIST: nothing of it has changed since it was restored\n"
    "[ \"$(head -n 1 \"$1\" 2>/dev/null)\" = \"$2\" ] || return 1\n"
    "pawl_newer=$(tr '\\n' '\\0' <\"$3\" | xargs -0 sh -c "
    "'pawl_mark=$1; shift; find \"$@\" -prune -cnewer \"$pawl_mark\"' sh \"$1\") && "
    "[ -z \"$pawl_newer\" ]\n"
    "}\n"
    "pawl_send() { # KEY URL FILE\n"
    "pawl_can_call \"$2\" || return 0\n"
    "pawl_size=$(wc -c <\"$3\")\n"
    "if [ \"$pawl_size\" -gt \"$pawl_most\" ]; then\n"
    "pawl_warn \"cache $1 is not in the remote cache: $pawl_size bytes are more than its "
    "limit of $pawl_most\"\nreturn 0\nfi\n"
    "pawl_status=$(pawl_call \"$2\" -o /dev/null -T \"$3\" -H Expect: "
    "-H 'Content-Type: application/octet-stream')\n"
    "case $pawl_status in\n"
    /* the store's clock shall say when it was newest */
    "2[0-9][0-9]) echo \"Sent cache $1 to $pawl_host\"; touch -t 197001020000 \"$3\" ;;\n"
    "*) pawl_refused \"$1\" \"$pawl_status\" ;;\n"
    "esac\n"
    "}\n"
    "pawl_save() { # ENTRY KEY URL UNTRACKED PATH…\n"
    "pawl_mark=$pawl_marks/$1 pawl_key=$2 pawl_to=$3 pawl_untracked=$4\n"
    "shift 4\n"
    "echo \"Creating cache $pawl_key...\"\n"
    "pawl_file=$pawl_dir/$pawl_key/cache.zip pawl_names=$pawl_mark.list\n"
    "mkdir -p \"${pawl_file%/*}\" || return 0\n"
    "{ pawl_list \"$@\"\n"
    "if [ -n \"$pawl_untracked\" ]; then git ls-files -oz | tr '\\n\\0' '?\\n'; fi\n"
    "} | sort -u >\"$pawl_names\"\n"
    "if ! [ -s \"$pawl_names\" ]; then pawl_warn 'No files to cache'; return 0; fi\n"
    "if pawl_is_same \"$pawl_mark\" \"$pawl_key\" \"$pawl_names\"; then\n"
    "echo 'Archive is up to date!'\nreturn 0\nfi\n"
    "pawl_new=$pawl_file.$CI_JOB_ID\n"
    "if pawl_pack \"$pawl_new\" \"$pawl_names\" && mv -f \"$pawl_new\" \"$pawl_file\"; then\n"
    "echo 'Created cache'\n"
    "pawl_send \"$pawl_key\" \"$pawl_to\" \"$pawl_file\"\n"
    "else\n"
    "rm -f \"$pawl_new\"\n"
    "pawl_warn 'Failed to create cache'\n"
    "fi\n"
    "}\n";

/* What writing a script needs to know. */
struct writer {
	struct cache_store store;
	const char *method;
	struct buf *out;
};

static bool
may_call(const struct writer *w)
{
	const struct cache_remote *remote = w->store.remote->remote;

	return remote != NULL &&
	    (str_eq(w->method, "GET") || remote->policy != CACHE_REMOTE_PULL);
}

/* " KEY URL"; a store whose keys cannot be read has none. */
static void
add_key(struct writer *w, const char *key)
{
	int64_t valid_s = w->store.job->timeout_s + VALID_SLACK_S;
	cleanup_free char *url = NULL;
	struct error err = ERROR_INIT;

	if (may_call(w))
		url = cache_remote_url(&w->store, key, w->method, valid_s, &err);
	buf_add_char(w->out, ' ');
	buf_add_shell_word(w->out, key);
	buf_add_char(w->out, ' ');
	buf_add_shell_word(w->out, url != NULL ? url : "");
}

static bool
add_tried_key(const struct cache_store *s UNUSED, const char *key, void *data)
{
	add_key(data, key);
	return false; /* all of them */
}

static void
add_number(struct buf *out, const char *name, int64_t n)
{
	buf_printf(out, "%s=%" PRId64 "\n", name, n);
}

static void
add_head(struct writer *w, const char *more)
{
	const struct cache_remote *remote = w->store.remote->remote;
	const char *format =
	    job_payload_variable(w->store.job, "CACHE_COMPRESSION_FORMAT");
	bool is_tar =
	    format != NULL && (str_eq(format, "tarzstd") || str_eq(format, "tar.zst"));

	if (remote != NULL) {
		buf_add_str(w->out, "pawl_host=");
		buf_add_shell_word(w->out, remote->bucket.host);
		buf_add_char(w->out, '\n');
		add_number(w->out, "pawl_most", remote->max_bytes);
	}
	add_number(w->out, "pawl_limit", cache_remote_limit_ms(w->store.job) / 1000);
	buf_printf(w->out, "pawl_tools='%s'\n", is_tar ? "zstd zip" : "zip zstd");
	buf_add_str(w->out, shared_part);
	buf_add_str(w->out, more);
}

static void
add_restoring(struct writer *w, size_t index)
{
	buf_printf(w->out, "pawl_restore %zu", index);
	cache_try_keys(&w->store, &w->store.job->caches[index], add_tried_key, w);
	buf_add_char(w->out, '\n');
}

/* A pattern stays one for the shell; all else in it is just letters. */
static void
add_pattern(struct buf *out, const char *pattern)
{
	buf_add_char(out, ' ');
	while (*pattern != '\0') {
		size_t plain = strcspn(pattern, "*?[]");
		size_t wild = strspn(pattern + plain, "*?[]");
		cleanup_free char *text = xstrndup(pattern, plain);

		if (plain > 0)
			buf_add_shell_word(out, text);
		buf_add(out, pattern + plain, wild);
		pattern += plain + wild;
	}
}

static void
add_saving(struct writer *w, size_t index)
{
	const struct job_cache *c = &w->store.job->caches[index];
	cleanup_free char *key = cache_own_key(&w->store, c);

	if (key == NULL)
		return;
	buf_add_str(w->out, "case $CI_JOB_STATUS in ");
	buf_add_str(w->out,
	    collect_when_fits(c->when, true)
		? (collect_when_fits(c->when, false) ? "*" : "success")
		: "failed");
	buf_printf(w->out, ") pawl_save %zu", index);
	add_key(w, key);
	buf_add_str(w->out, c->untracked ? " yes" : " ''");
	for (size_t i = 0; i < c->path_count; i++) {
		cleanup_free char *path = collect_relative(w->store.view, c->paths[i]);

		if (path != NULL)
			add_pattern(w->out, path);
	}
	buf_add_str(w->out, " ;; esac\n");
}

/* What restoring and saving differ in. */
struct direction {
	const char *policy, *method, *functions;
	void (*add)(struct writer *w, size_t index);
};

/* A line of each cache whose policy wants it, behind the functions these call; false
 * when no cache does. */
static bool
write_script(const struct direction *d, struct cache_remote_use *use,
    const struct job_payload *job, const struct strlist *env, const char *project_dir,
    struct buf *out)
{
	const struct workspace_view view = {
		.fd = -1, .env = env, .project_dir = project_dir
	};
	cleanup_buf struct buf words = BUF_INIT;
	struct writer w = { .store = { .job = job,
				.view = &view,
				.dir = "",
				.cancel = use->cancel,
				.log = &words,
				.remote = use },
		.method = d->method,
		.out = out };
	bool begun = false;

	for (size_t i = 0; i < job->cache_count; i++) {
		if (!cache_is_wanted(&w.store, &job->caches[i], d->policy))
			continue;
		if (!begun)
			add_head(&w, d->functions);
		begun = true;
		d->add(&w, i);
	}
	return begun;
}

void
cache_script_restore(struct cache_remote_use *use, const struct job_payload *job,
    const struct strlist *env, const char *project_dir, struct buf *out)
{
	static const struct direction restoring = { "pull", "GET", restore_part,
		add_restoring };

	write_script(&restoring, use, job, env, project_dir, out);
}

void
cache_script_save(struct cache_remote_use *use, const struct job_payload *job,
    const struct strlist *env, const char *project_dir, struct buf *out)
{
	static const struct direction saving = { "push", "PUT", save_part, add_saving };

	if (write_script(&saving, use, job, env, project_dir, out))
		/* without a folder for caches they were for this job alone */
		buf_add_str(out,
		    "rm -rf \"$pawl_marks\"\n"
		    "if [ -z \"${pawl_cache_dir-}\" ]; then rm -rf \"$pawl_dir\"; fi\n");
}
