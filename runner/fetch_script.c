/* Credentials come by the environment (runner/environment.h), never into .git/config. */
#include "runner/fetch_script.h"

#include "base/str.h"
#include "runner/environment.h"
#include "runner/source_settings.h"
#include "runner/source_url.h"

static const char *
setting(const struct job_payload *job, const char *key, const char *otherwise)
{
	const char *value = job_payload_variable(job, key);

	return value != NULL && *value != '\0' ? value : otherwise;
}

static void
add_fetch(const struct job_payload *job, const struct source_settings *s, struct buf *out)
{
	cleanup_free char *secret = NULL;
	cleanup_free char *url = source_clean_url(job->git.repo_url, &secret);

	buf_add_str(
	    out, "git remote remove origin 2>/dev/null || :\ngit remote add origin ");
	buf_add_shell_quoted(out, url != NULL ? url : job->git.repo_url);
	buf_add_str(out,
	    "\nwhole=; if [ -f .git/shallow ]; then whole=--unshallow; fi\n"
	    "try=1\nuntil git fetch --quiet --force --prune "
	    "--no-recurse-submodules");
	if (job->git.depth > 0)
		buf_printf(out, " --depth %" PRId64, job->git.depth);
	else
		buf_add_str(out, " $whole");
	buf_add_str(out, " origin");
	for (size_t i = 0; i < job->git.refspec_count; i++) {
		buf_add_char(out, ' ');
		buf_add_shell_quoted(out, job->git.refspecs[i]);
	}
	if (s->all_tags)
		buf_add_str(out, " '+refs/tags/*:refs/tags/*'");
	buf_printf(out,
	    "; do\n[ $try -lt %u ] || exit 1\ntry=$((try + 1))\nsleep 5\ndone\n",
	    s->attempts);
}

static void
add_checkout(const struct job_payload *job, struct buf *out)
{
	const char *flags = setting(job, "GIT_CLEAN_FLAGS", "-ffdx");

	buf_printf(out, "echo 'Checking out %.8s as detached HEAD...'\n", job->git.sha);
	buf_printf(out, "git checkout --force --quiet --detach %s\n", job->git.sha);
	if (!str_eq(flags, "none")) {
		cleanup_buf struct buf word = BUF_INIT;

		/* several words, and nothing but words */
		buf_add_shell_quoted(&word, flags);
		buf_printf(out, "pawl_flags=%s; git clean $pawl_flags\n", buf_str(&word));
	}
}

static void
add_words(struct buf *out, const struct strlist *words)
{
	for (size_t i = 0; i < words->count; i++) {
		buf_add_char(out, ' ');
		buf_add_shell_quoted(out, words->items[i]);
	}
}

static void
add_submodules(const struct source_settings *s, struct buf *out)
{
	const char *deep = s->recursive ? " --recursive" : "";

	if (!s->submodules)
		return;
	buf_add_str(out,
	    "echo 'Updating/initializing submodules...'\ngit submodule --quiet init --");
	add_words(out, &s->submodule_paths);
	buf_printf(out, "\ngit submodule --quiet sync%s --", deep);
	add_words(out, &s->submodule_paths);
	buf_printf(out, "\ngit submodule update --init --force%s", deep);
	if (s->submodule_depth > 0)
		buf_printf(out, " --depth %" PRId64, s->submodule_depth);
	add_words(out, &s->submodule_flags);
	buf_add_str(out, " --");
	add_words(out, &s->submodule_paths);
	buf_printf(out, "\ngit submodule --quiet foreach%s 'git clean -ffdxq'\n", deep);
	if (!s->skip_lfs)
		buf_printf(out,
		    "if git lfs version >/dev/null 2>&1; then\n"
		    "git submodule --quiet foreach%s 'git lfs pull'\nfi\n",
		    deep);
}

/* Written by the checkout itself large files would come one by one. */
static void
add_large_files(const struct source_settings *s, struct buf *out)
{
	if (!s->skip_lfs)
		buf_add_str(
		    out, "if git lfs version >/dev/null 2>&1; then git lfs pull; fi\n");
}

/* The one file a driver does not bring: it is no variable of the job. */
static void
add_credentials(const struct job_payload *job, struct buf *out)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (!environment_git_settings(job, &text))
		return;
	buf_add_str(
	    out, "mkdir -p \"${" ENVIRONMENT_GIT_FILE "%/*}\"\n(umask 077 && printf %s ");
	buf_add_shell_quoted(out, buf_str(&text));
	buf_add_str(out, " >\"$" ENVIRONMENT_GIT_FILE "\")\n");
}

static void
add_sources(
    const struct job_payload *job, const struct source_settings *s, struct buf *out)
{
	bool is_out = !str_eq(setting(job, "GIT_CHECKOUT", "true"), "false");

	buf_add_str(out,
	    "cd \"$CI_PROJECT_DIR\"\ngit init --quiet\n"
	    "rm -f .git/index.lock .git/shallow.lock .git/HEAD.lock\n");
	add_credentials(job, out);
	add_fetch(job, s, out);
	buf_add_str(out, "export GIT_LFS_SKIP_SMUDGE=1\n");
	if (is_out) {
		add_checkout(job, out);
		add_large_files(s, out);
	}
	add_submodules(s, out);
}

void
fetch_script_build(const struct job_payload *job, struct buf *out)
{
	const char *strategy = setting(job, "GIT_STRATEGY", "fetch");
	cleanup_source_settings struct source_settings s = { .attempts = 1 };
	struct error refused = ERROR_INIT;

	buf_add_str(out, "set -e\n");
	if (str_eq(strategy, "none") || str_eq(strategy, "empty")) {
		buf_add_str(out, "echo 'Skipping Git repository setup'\n");
		if (str_eq(strategy, "empty"))
			buf_add_str(out,
			    "rm -rf \"$CI_PROJECT_DIR\"\nmkdir -p \"$CI_PROJECT_DIR\"\n");
		return;
	}
	buf_add_str(out,
	    "if ! command -v git >/dev/null; then\n"
	    "echo 'ERROR: git is not installed where the driver runs scripts' >&2\nexit 1\nfi\n"
	    "export GIT_TERMINAL_PROMPT=0\n");
	if (str_eq(strategy, "clone") || !job->allow_git_fetch)
		buf_add_str(
		    out, "rm -rf \"$CI_PROJECT_DIR\"\nmkdir -p \"$CI_PROJECT_DIR\"\n");
	if (source_settings_read(job, &s, NULL, &refused) < 0) {
		buf_add_str(out, "echo ");
		buf_add_shell_quoted(out, refused.msg);
		buf_add_str(out, " >&2\nexit 1\n");
		return;
	}
	add_sources(job, &s, out);
}
