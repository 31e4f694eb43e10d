/* Comparing and copying on a person's behalf. */
#include "scheduler/hook/copy.h"

#include <stdio.h>

#include "scheduler/hook/level.h"

#define MAX_SHOWN 20

enum { LEVEL = 0, NOT_LEVEL = 1, NOT_INSTALLED = 2, AWAY = 75 };

static int
say_end(const struct place *p, enum mirror_result result, const struct error *err)
{
	(void)fflush(stdout);
	switch (result) {
	case MIRROR_DONE:
		return LEVEL;
	case MIRROR_REFUSED:
		(void)fprintf(stderr, "pawl: %s: %s\n", p->url, err->msg);
		return NOT_LEVEL;
	case MIRROR_AWAY:
		break;
	}
	(void)fprintf(stderr, "pawl: cannot reach %s: %s\n", p->url, err->msg);
	return AWAY;
}

static int
say_closed(const struct error *err)
{
	(void)fprintf(stderr, "pawl: %s\n", err->msg);
	return NOT_INSTALLED;
}

static bool
print_line(const char *line, void *data UNUSED)
{
	if (*line != '\0')
		printf("%s\n", line);
	(void)fflush(stdout);
	return true;
}

static void
print_difference(const struct difference *d, const char *wanted)
{
	static const char *const words[] = { "*new", " moved", "+rewritten", "-removed" };
	size_t shown = 0;

	for (size_t i = 0; i < d->refs.count; i++) {
		if (strchr(wanted, d->what[i]) == NULL)
			continue;
		if (shown++ == MAX_SHOWN) {
			printf("  and more\n");
			return;
		}
		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			if (words[k][0] == d->what[i])
				printf("  %s (%s)\n", d->refs.items[i], words[k] + 1);
	}
}

int
copy_sync(const char *git_dir)
{
	cleanup_place struct place p = PLACE_INIT;
	struct error err = ERROR_INIT;
	enum mirror_result result;

	if (place_open(git_dir, NULL, &p, &err) < 0)
		return say_closed(&err);
	result = level_refs(&p, print_line, NULL, &err);
	if (result == MIRROR_DONE)
		printf("%s is level with %s\n", p.url, p.git_dir);
	return say_end(&p, result, &err);
}

int
copy_compare(const char *git_dir)
{
	cleanup_place struct place p = PLACE_INIT;
	cleanup_difference struct difference lacks = DIFFERENCE_INIT;
	struct error err = ERROR_INIT;
	enum mirror_result result;

	if (place_open(git_dir, NULL, &p, &err) < 0)
		return say_closed(&err);
	result = level_compare(&p, &lacks, &err);
	if (result != MIRROR_DONE)
		return say_end(&p, result, &err);
	if (lacks.refs.count == 0) {
		printf("the server has all of it: %zu branches and tags\n", lacks.same);
		return LEVEL;
	}
	printf(
	    "the server lacks %zu of its branches and tags; `pawl hook sync` brings them:\n",
	    lacks.refs.count);
	print_difference(&lacks, "* +-");
	return NOT_LEVEL;
}

int
copy_check(const char *git_dir, const char *settings)
{
	cleanup_place struct place p = PLACE_INIT;
	cleanup_difference struct difference ignored = DIFFERENCE_INIT;
	struct error err = ERROR_INIT;

	if (place_open(git_dir, settings, &p, &err) < 0)
		return say_closed(&err);
	return say_end(&p, level_compare(&p, &ignored, &err), &err);
}

/* ---- the first time -------------------------------------------------------------- */

static bool
would_lose(const struct difference *d)
{
	return d->what != NULL && strpbrk(d->what, "+-") != NULL;
}

/* The main branch alone and first: it becomes the project's default branch. */
static enum mirror_result
push_main(const struct place *p, struct error *err)
{
	cleanup_strlist struct strlist refspecs = STRLIST_INIT;
	cleanup_free char *branch = place_main_branch(p);
	const struct mirror_push push = {
		.place = p, .refspecs = &refspecs, .on_line = print_line
	};

	if (branch == NULL)
		return MIRROR_DONE;
	strlist_add_take(&refspecs, xasprintf("+%s:%s", branch, branch));
	return mirror_push(&push, err);
}

static enum mirror_result
push_others(const struct place *p, struct error *err)
{
	cleanup_strlist struct strlist options = STRLIST_INIT;
	const struct mirror_push push = {
		.place = p, .options = &options, .prune = true
	};

	strlist_add(&options, "ci.skip");
	return mirror_push(&push, err);
}

int
copy_first(const char *git_dir, const char *settings, bool force)
{
	cleanup_place struct place p = PLACE_INIT;
	cleanup_difference struct difference lacks = DIFFERENCE_INIT;
	struct error err = ERROR_INIT;
	enum mirror_result result;

	if (place_open(git_dir, settings, &p, &err) < 0)
		return say_closed(&err);
	result = level_compare(&p, &lacks, &err);
	if (result == MIRROR_DONE && would_lose(&lacks) && !force) {
		printf("pawl: %s has what %s has not; as its copy it would lose\n", p.url,
		    p.git_dir);
		print_difference(&lacks, "+-");
		printf("If that is meant, say --force.\n");
		return NOT_LEVEL;
	}
	if (result == MIRROR_DONE && lacks.refs.count > 0)
		result = push_main(&p, &err);
	if (result == MIRROR_DONE && lacks.refs.count > 0)
		result = push_others(&p, &err);
	return say_end(&p, result, &err);
}
