/* What git tells its hook post-receive about a push. Caller's storage. */
#ifndef SCHEDULER_HOOK_PUSHED_H
#define SCHEDULER_HOOK_PUSHED_H

#include "base/str.h"

struct pushed {
	struct strlist refs, shas; /* whole names, and where each is now; zeros: gone */
	struct strlist options;    /* as given to `git push -o` */
};

#define PUSHED_INIT                                                                      \
	{                                                                                \
		.refs = STRLIST_INIT                                                     \
	}

/* From standard input and the environment. */
void pushed_read(struct pushed *p);
void pushed_add(struct pushed *p, const char *ref, const char *sha);
void pushed_clear(struct pushed *p);
#define cleanup_pushed __attribute__((cleanup(pushed_clear)))

/* Zeros only: there is no such ref any more. */
bool pushed_is_gone(const char *sha);

#endif
