/*
 * A bare repository hosted on this machine, and what `pawl hook` keeps in its folder
 * pawl/ (scheduler/hook/place.h says what each file is). Owned by the command.
 */
#ifndef CLI_HOOK_PLACE_H
#define CLI_HOOK_PLACE_H

#include "base/error.h"

struct hook_place {
	char *git_dir;   /* absolute */
	char *hooks_dir; /* absolute, where core.hooksPath puts it */
	char *dir;       /* git_dir/pawl */
	char *url;       /* the project's on the server; NULL: not installed */
	char *token;     /* NULL: not installed */
};

#define HOOK_PLACE_INIT                                                                  \
	{                                                                                \
		.git_dir = NULL                                                          \
	}

/*
 * Root becomes the owner of the folder, for good: hooks run as the owner, who has to be
 * able to read what is written, and whose settings of git count.
 */
MUST_CHECK int hook_place_become_owner(const char *dir, struct error *err);

MUST_CHECK int hook_place_open(
    const char *dir, struct hook_place *out, struct error *err);
void hook_place_close(struct hook_place *p);
#define cleanup_hook_place __attribute__((cleanup(hook_place_close)))

/*
 * New settings are written beside the old ones, tried from there, and then put in their
 * place. Returns the folder, malloced; NULL with err.
 */
char *hook_place_prepare(
    const struct hook_place *p, const char *url, const char *token, struct error *err);
MUST_CHECK int hook_place_put(const struct hook_place *p, struct error *err);
void hook_place_discard(const struct hook_place *p);

/* So that clients send what `git push -o` says: as it was before, once it is undone. */
MUST_CHECK int hook_place_take_options(const struct hook_place *p, struct error *err);

/* Forgets all that was put. */
MUST_CHECK int hook_place_remove(const struct hook_place *p, struct error *err);

#endif
