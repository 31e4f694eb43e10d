/* Credentials come by the environment (runner/environment.h), never into .git/config. */
#include "runner/fetch_script.h"

#include "base/str.h"
#include "runner/source_url.h"

static const char *
setting(const struct job_payload *job, const char *key, const char *otherwise)
{
	const char *value = job_payload_variable(job, key);

	return value != NULL && *value != '\0' ? value : otherwise;
}

static void
add_fetch(const struct job_payload *job, struct buf *out)
{
	cleanup_free char *secret = NULL;
	cleanup_free char *url = source_clean_url(job->git.repo_url, &secret);

	buf_add_str(
	    out, "git remote remove origin 2>/dev/null || :\ngit remote add origin ");
	buf_add_shell_quoted(out, url != NULL ? url : job->git.repo_url);
	buf_add_str(out, "\ngit fetch --quiet --force --prune --no-recurse-submodules");
	if (job->git.depth > 0)
		buf_printf(out, " --depth %" PRId64, job->git.depth);
	buf_add_str(out, " origin");
	for (size_t i = 0; i < job->git.refspec_count; i++) {
		buf_add_char(out, ' ');
		buf_add_shell_quoted(out, job->git.refspecs[i]);
	}
	buf_add_char(out, '\n');
}

static void
add_checkout(const struct job_payload *job, struct buf *out)
{
	const char *flags = setting(job, "GIT_CLEAN_FLAGS", "-ffdx");

	if (str_eq(setting(job, "GIT_CHECKOUT", "true"), "false"))
		return;
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
add_submodules(const struct job_payload *job, struct buf *out)
{
	const char *strategy = setting(job, "GIT_SUBMODULE_STRATEGY", "none");
	const char *depth = setting(job, "GIT_SUBMODULE_DEPTH", "");
	bool recursive = str_eq(strategy, "recursive");

	if (!recursive && !str_eq(strategy, "normal"))
		return;
	buf_printf(out,
	    "echo 'Updating/initializing submodules...'\n"
	    "git submodule init\ngit submodule --quiet sync%s\n",
	    recursive ? " --recursive" : "");
	buf_printf(out, "git submodule --quiet update --init --force%s",
	    recursive ? " --recursive" : "");
	if (*depth != '\0') {
		buf_add_str(out, " --depth ");
		buf_add_shell_quoted(out, depth);
	}
	buf_add_char(out, '\n');
}

void
fetch_script_build(const struct job_payload *job, struct buf *out)
{
	const char *strategy = setting(job, "GIT_STRATEGY", "fetch");

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
	buf_add_str(out,
	    "cd \"$CI_PROJECT_DIR\"\ngit init --quiet\n"
	    "rm -f .git/index.lock .git/shallow.lock .git/HEAD.lock\n");
	add_fetch(job, out);
	add_checkout(job, out);
	add_submodules(job, out);
}
