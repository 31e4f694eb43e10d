/*
 * A repository hosted elsewhere than on the server, and what `pawl hook install` keeps in
 * its folder pawl/, which its owner alone can read:
 *
 *   url     the project on the server: http://host/group/name.git
 *   token   the first line is the password git gives there
 *   lock    held while refs go to the server: what arrives last is what is true last
 *   retry   held by the one process that tries again while the server is away
 *   queue/  pushes with options that have not arrived (queue.h)
 *
 * Here is what the hook knows of it, and its own git repository's refs. Blocks. The
 * caller has one thread.
 */
#ifndef SCHEDULER_HOOK_PLACE_H
#define SCHEDULER_HOOK_PLACE_H

#include "base/error.h"
#include "scheduler/hook/pushed.h"

struct place {
	char *git_dir; /* absolute */
	char *dir;     /* git_dir/pawl */
	char *url;
	char *token; /* the file */
};

#define PLACE_INIT                                                                       \
	{                                                                                \
		.git_dir = NULL                                                          \
	}

/*
 * The repository in git_dir; settings: the folder of url and token, NULL for its own.
 * ERR_MISSING: pawl has nothing to do with it. Prepares this process' environment for
 * running git there.
 */
MUST_CHECK int place_open(
    const char *git_dir, const char *settings, struct place *out, struct error *err);
void place_close(struct place *p);
#define cleanup_place __attribute__((cleanup(place_close)))

/* Waits for it, unless told not to; -1 with errno. Closing it lets go. */
int place_lock(const struct place *p, const char *name, bool wait);

/* Where these refs are now, in the order of names; those that are gone have zeros. */
MUST_CHECK int place_refs(const struct place *p, const struct strlist *names,
    struct pushed *out, struct error *err);

/* The branch HEAD names, else main or master, whole and malloced; NULL: none is there. */
char *place_main_branch(const struct place *p);

#endif
