/* Reading a job's settings of its sources. */
#include "runner/source_settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "runner/environment.h"

#define MAX_ATTEMPTS 10

/* Malloced, variables in it replaced; "" when it is not there. */
static char *
value_of(const struct job_payload *job, const char *key)
{
	const char *value = job_payload_variable(job, key);

	return value == NULL ? xstrdup("") : environment_expand_job(job, value);
}

bool
source_settings_is_true(const char *value)
{
	return strcasecmp(value, "true") == 0 || strcasecmp(value, "t") == 0 ||
	    str_eq(value, "1");
}

static bool
is_setting_true(const struct job_payload *job, const char *key)
{
	cleanup_free char *value = value_of(job, key);

	return source_settings_is_true(value);
}

/* Which of the words it is, or -1 with an error; none: the first. */
static int
choice(const struct job_payload *job, const char *key, const char *const *words,
    struct error *err)
{
	cleanup_free char *value = value_of(job, key);
	cleanup_buf struct buf list = BUF_INIT;

	if (*value == '\0')
		return 0;
	for (int i = 0; words[i] != NULL; i++) {
		if (str_eq(value, words[i]))
			return i;
		buf_printf(&list, "%s%s", i == 0 ? "" : ", ", words[i]);
	}
	return error_set(err, ERR_INVALID, "%s is \"%.80s\"; it may be one of %s", key,
	    value, buf_str(&list));
}

/* -1: there is none. */
static int64_t
number(const struct job_payload *job, const char *key)
{
	cleanup_free char *value = value_of(job, key);
	char *end;
	long long n;

	if (*value < '0' || *value > '9')
		return -1;
	n = strtoll(value, &end, 10);
	return *end == '\0' ? (int64_t)n : -1;
}

static void
split(char *text, struct strlist *out)
{
	char *save = NULL;

	for (char *word = strtok_r(text, " \t\r\n", &save); word != NULL;
	     word = strtok_r(NULL, " \t\r\n", &save))
		strlist_add(out, word);
}

/*
 * The runner runs this git itself, outside of whatever encloses the job: what would let
 * it read or start something of this machine (--reference, --upload-pack) is not among
 * them.
 */
static bool
is_harmless(const char *flag)
{
	static const char *const known[] = { "--remote", "--single-branch",
		"--no-single-branch", "--recommend-shallow", "--no-recommend-shallow",
		"--progress", "--quiet", "-q", "--checkout", "--force", "-f",
		"--no-fetch", "-N" };
	static const char *const numbers[] = { "--jobs=", "-j", "--depth=" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(flag, known[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		size_t len = strlen(numbers[i]);

		if (strncmp(flag, numbers[i], len) == 0 && flag[len] != '\0')
			return flag[len + strspn(flag + len, "0123456789")] == '\0';
	}
	return str_starts(flag, "--filter=") && strpbrk(flag, " '\"$`\\") == NULL;
}

/* "--jobs 4" is "--jobs=4"; so is --depth. */
static void
join_values(struct strlist *words, struct strlist *out)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];
		bool takes;

		if (str_eq(word, "-j"))
			word = "--jobs";
		takes = str_eq(word, "--jobs") || str_eq(word, "--depth") ||
		    str_eq(word, "--filter") || str_eq(word, "--reference");
		if (takes && i + 1 < words->count)
			strlist_add_take(
			    out, xasprintf("%s=%s", word, words->items[++i]));
		else
			strlist_add(out, word);
	}
}

static void
read_flags(const struct job_payload *job, struct source_settings *s, struct buf *words)
{
	cleanup_free char *text = value_of(job, "GIT_SUBMODULE_UPDATE_FLAGS");
	cleanup_strlist struct strlist single = STRLIST_INIT, flags = STRLIST_INIT;

	split(text, &single);
	join_values(&single, &flags);
	for (size_t i = 0; i < flags.count; i++) {
		const char *flag = flags.items[i];

		if (is_harmless(flag))
			strlist_add(&s->submodule_flags, flag);
		else if (words != NULL)
			buf_printf(words,
			    "WARNING: GIT_SUBMODULE_UPDATE_FLAGS: %s is left out: it is "
			    "none of the flags a job may give\n",
			    flag);
		s->submodule_newest = s->submodule_newest || str_eq(flag, "--remote");
	}
}

static void
read_fetch_flags(const struct job_payload *job, struct source_settings *s)
{
	cleanup_free char *text = value_of(job, "GIT_FETCH_EXTRA_FLAGS");
	cleanup_strlist struct strlist flags = STRLIST_INIT;

	split(text, &flags);
	s->all_tags = strlist_has(&flags, "--tags") || strlist_has(&flags, "-t");
}

int
source_settings_read(const struct job_payload *job, struct source_settings *out,
    struct buf *words, struct error *err)
{
	static const char *const strategies[] = { "fetch", "clone", "none", "empty",
		NULL };
	static const char *const kinds[] = { "none", "normal", "recursive", NULL };
	struct source_settings s = { .submodule_paths = STRLIST_INIT };
	int64_t n = number(job, "GIT_SUBMODULE_DEPTH"),
		attempts = number(job, "GET_SOURCES_ATTEMPTS");
	cleanup_free char *paths = value_of(job, "GIT_SUBMODULE_PATHS");
	int kind;

	if (choice(job, "GIT_STRATEGY", strategies, err) < 0)
		return err->code;
	kind = choice(job, "GIT_SUBMODULE_STRATEGY", kinds, err);
	if (kind < 0)
		return err->code;
	s.submodules = kind > 0;
	s.recursive = kind == 2;
	s.submodule_depth = n >= 0 ? n : job->git.depth;
	split(paths, &s.submodule_paths);
	read_flags(job, &s, words);
	read_fetch_flags(job, &s);
	s.force_https = is_setting_true(job, "GIT_SUBMODULE_FORCE_HTTPS");
	s.skip_lfs = is_setting_true(job, "GIT_LFS_SKIP_SMUDGE");
	s.attempts = attempts < 1     ? 1
	    : attempts > MAX_ATTEMPTS ? MAX_ATTEMPTS
				      : (unsigned)attempts;
	*out = s;
	return 0;
}

void
source_settings_clear(struct source_settings *s)
{
	strlist_clear(&s->submodule_paths);
	strlist_clear(&s->submodule_flags);
}

int
source_settings_check(
    const struct job_payload *job, enum reason *reason, struct error *err)
{
	cleanup_source_settings struct source_settings s = { .attempts = 1 };

	if (source_settings_read(job, &s, NULL, err) < 0)
		*reason = REASON_SCRIPT_FAILURE;
	return err->code;
}
