/* Building a job's environment. */
#include "runner/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/map.h"
#include "runner/git_env.h"
#include "runner/source_settings.h"
#include "runner/source_url.h"

extern char **environ;

/*
 * What would make a job depend on how pawl was called: a git hook's repository, a make
 * that started it, shell start-up files and functions; and how many workers pawl has.
 */
static bool
is_kept(const char *entry)
{
	static const char *const dropped[] = { "GIT_", "MAKEFLAGS=", "MFLAGS=",
		"MAKELEVEL=", "MAKEOVERRIDES=", "BASH_ENV=", "ENV=", "BASH_FUNC_",
		"CDPATH=", "OLDPWD=", "PWD=", "PAWL_", "CI=", "CI_", "GITLAB_",
		"SHLVL=", "UV_THREADPOOL_SIZE=", "_=" };

	for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
		if (str_starts(entry, dropped[i]))
			return str_starts(entry, "GIT_SSH") ||
			    str_starts(entry, "GIT_ASKPASS=") ||
			    str_starts(entry, "GIT_SSL_");
	return true;
}

/* What leads to services of this machine or this login, which a cage does not show. */
static bool
is_local(const char *entry)
{
	static const char *const names[] = { "DBUS_", "XDG_",
		"SSH_AUTH_SOCK=", "SSH_AGENT_",
		"SSH_CONNECTION=", "SSH_CLIENT=", "SSH_TTY=", "DISPLAY=", "WAYLAND_",
		"XAUTHORITY=", "GPG_", "TMPDIR=", "TMP=", "TEMP=", "TMUX",
		"STY=", "MAIL=", "DOCKER_HOST=", "KUBECONFIG=", "SUDO_", "LS_COLORS=" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_starts(entry, names[i]))
			return true;
	return false;
}

static void
put(struct spec *spec, const char *key, const char *value)
{
	strlist_add_take(&spec->env, xasprintf("%s=%s", key, value));
}

static void
put_number(struct spec *spec, const char *key, int64_t value)
{
	strlist_add_take(&spec->env, xasprintf("%s=%" PRId64, key, value));
}

static const char *
machine(void)
{
	static struct utsname names;

	return uname(&names) < 0 ? "unknown" : names.machine;
}

/* The runner's own variables; the job's stand behind them and win. */
static void
put_runner(const struct job_payload *job, const struct environment_facts *facts,
    struct spec *spec)
{
	put(spec, "CI", "true");
	put(spec, "CI_SERVER", "yes");
	put(spec, "CI_BUILDS_DIR", facts->builds_dir);
	put(spec, "CI_PROJECT_DIR", facts->project_dir);
	put_number(spec, "CI_CONCURRENT_ID", facts->slot);
	put_number(spec, "CI_CONCURRENT_PROJECT_ID", facts->slot);
	put(spec, "CI_RUNNER_ID", "1");
	put(spec, "CI_RUNNER_DESCRIPTION", facts->runner_name);
	put(spec, "CI_RUNNER_TAGS", "[]");
	put(spec, "CI_RUNNER_VERSION", facts->runner_version);
	strlist_add_take(
	    &spec->env, xasprintf("CI_RUNNER_EXECUTABLE_ARCH=linux/%s", machine()));
	put(spec,
	    facts->is_shared ? "CI_SHARED_ENVIRONMENT" : "CI_DISPOSABLE_ENVIRONMENT",
	    "true");
	put_number(spec, "CI_JOB_TIMEOUT", job->timeout_s);
	if (job->image.name != NULL && *job->image.name != '\0')
		put(spec, "CI_JOB_IMAGE", job->image.name);
}

bool
environment_git_settings(const struct job_payload *job, struct buf *out)
{
	const char *url = job->git.repo_url;
	cleanup_free char *secret = NULL;
	cleanup_free char *clean = url == NULL ? NULL : source_clean_url(url, &secret);
	cleanup_free char *server = clean == NULL ? NULL : source_server_of(clean);
	const char *force = job_payload_variable(job, "GIT_SUBMODULE_FORCE_HTTPS");
	cleanup_strlist struct strlist forms = STRLIST_INIT;
	cleanup_free char *key = NULL, *whole = NULL, *ssh_key = NULL;
	int len;

	if (secret == NULL || server == NULL)
		return false;
	len = (int)(strlen(url) - (strlen(clean) - strlen(server)));
	key = xasprintf("url.%.*s/.insteadOf", len, url);
	ssh_key =
	    xasprintf("url.%.*s%s/.insteadOf", len, url, source_server_path(job, server));
	whole = xasprintf("%s/", server);
	if (force != NULL && source_settings_is_true(force))
		source_ssh_forms(job, server, &forms);
	git_env_add_line(out, "include.path", "/etc/gitconfig");
	git_env_add_line(out, key, whole);
	for (size_t i = 0; i < forms.count; i++)
		git_env_add_line(out, ssh_key, forms.items[i]);
	return true;
}

/* The token in it is masked, and the file lies in memory. */
static void
put_git_credentials(const struct job_payload *job, struct arena *arena, struct spec *spec)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (!environment_git_settings(job, &text))
		return;
	put(spec, "GIT_CONFIG_NOSYSTEM", "0"); /* whatever a driver was called with */
	spec_add_file(spec, ENVIRONMENT_GIT_FILE,
	    arena_strndup(arena, buf_str(&text), text.len), text.len);
}

struct lookup {
	struct map by_name; /* key -> const struct job_variable; the last one */
	const struct strlist *env;
	size_t first, end; /* the runner's own in env: CI_PROJECT_DIR and such */
};

static size_t
reference_length(const char *text, const char **name, size_t *name_len)
{
	const char *p = text + 1;
	bool braces = *p == '{';

	p += braces;
	*name = p;
	while ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
	    (*p >= 'A' && *p <= 'Z') || *p == '_')
		p++;
	*name_len = (size_t)(p - *name);
	if (*name_len == 0 || (braces && *p != '}'))
		return 0;
	return (size_t)(p - text) + braces;
}

/* One pass; find() gives a variable's raw value or NULL. */
static void
expand(const char *text, const char *(*find)(const void *data, const char *name),
    const void *data, struct buf *out)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "$"), len, name_len;
		const char *name, *value;

		buf_add(out, text, n);
		text += n;
		if (*text == '\0')
			return;
		if (text[1] == '$') {
			buf_add_char(out, '$');
			text += 2;
			continue;
		}
		len = reference_length(text, &name, &name_len);
		if (len == 0) {
			buf_add_char(out, *text++);
			continue;
		}
		{
			cleanup_free char *copy = xstrndup(name, name_len);

			value = find(data, copy);
		}
		buf_add_str(out, value != NULL ? value : "");
		text += len;
	}
}

static const char *
find_between(const struct strlist *env, size_t first, size_t end, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = end; i-- > first;)
		if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
			return env->items[i] + len + 1;
	return NULL;
}

static const char *
find_in_env(const void *data, const char *name)
{
	const struct strlist *env = data;

	return find_between(env, 0, env->count, name);
}

static const char *
find_indexed(const void *data, const char *name)
{
	const struct lookup *l = data;
	const struct job_variable *v = map_get(&l->by_name, name);

	return v != NULL ? v->value : find_between(l->env, l->first, l->end, name);
}

static const char *
find_in_job(const void *data, const char *name)
{
	return job_payload_variable(data, name);
}

char *
environment_expand_job(const struct job_payload *job, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;

	expand(text, find_in_job, job, &out);
	return buf_take(&out);
}

char *
environment_expand(const struct strlist *env, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;

	expand(text, find_in_env, env, &out);
	return buf_take(&out);
}

static void
put_variable(const struct job_variable *v, const struct lookup *lookup,
    struct arena *arena, struct spec *spec)
{
	const char *value = v->value;

	if (!v->raw && strchr(value, '$') != NULL) {
		cleanup_buf struct buf out = BUF_INIT;

		expand(value, find_indexed, lookup, &out);
		value = arena_strndup(arena, buf_str(&out), out.len);
	}
	if (v->file)
		spec_add_file(spec, v->key, value, strlen(value));
	else
		put(spec, v->key, value);
	if (v->masked)
		spec_add_mask(spec, value, strlen(value));
}

static void
add_base(const struct environment_facts *facts, struct spec *spec)
{
	for (char **entry = environ; *entry != NULL && facts->env != EXECUTOR_ENV_OWN;
	     entry++)
		if (is_kept(*entry) &&
		    (facts->env == EXECUTOR_ENV_MACHINE || !is_local(*entry)))
			strlist_add(&spec->env, *entry);
	/* a service has none, and bash would ask the system's users for one at each start
	 */
	if (facts->shell != NULL && getenv("SHELL") == NULL)
		put(spec, "SHELL", facts->shell);
	for (size_t i = 0; facts->own_env != NULL && i < facts->own_env->count; i++)
		strlist_add(&spec->env, facts->own_env->items[i]);
}

void
environment_build(const struct job_payload *job, const struct environment_facts *facts,
    struct arena *arena, struct spec *spec)
{
	struct lookup lookup = { .env = &spec->env };

	add_base(facts, spec);
	lookup.first = spec->env.count;
	put_runner(job, facts, spec);
	if (facts->short_token != NULL) {
		put(spec, "CI_RUNNER_SHORT_TOKEN", facts->short_token);
		put_git_credentials(job, arena, spec);
	}
	lookup.end = spec->env.count;
	for (size_t i = 0; i < job->variable_count; i++)
		map_set(&lookup.by_name, job->variables[i].key, &job->variables[i]);
	for (size_t i = 0; i < job->variable_count; i++)
		if (map_get(&lookup.by_name, job->variables[i].key) == &job->variables[i])
			put_variable(&job->variables[i], &lookup, arena, spec);
	map_clear(&lookup.by_name);
}
