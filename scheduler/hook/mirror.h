/*
 * From a repository hosted elsewhere to the server's: `git push`, with what it and the
 * server say taken apart. Blocks; one thread.
 */
#ifndef SCHEDULER_HOOK_MIRROR_H
#define SCHEDULER_HOOK_MIRROR_H

#include "scheduler/hook/place.h"

enum mirror_result {
	MIRROR_DONE,
	MIRROR_REFUSED, /* it would be again: a person has to look */
	MIRROR_AWAY,    /* it may do better later */
};

struct mirror_push {
	const struct place *place;
	const struct strlist *refspecs; /* NULL: all branches and tags */
	const struct strlist *options;  /* NULL: none */
	bool prune;                     /* what is not here goes there */
	bool compare;                   /* change nothing */
	/* A line of the server's for the pusher; false: nobody listens any more, the rest
	 * can be left to the server. NULL: not wanted. */
	bool (*on_line)(const char *line, void *data);
	/* What is or, with compare, would be done about a ref; '=' nothing, ' ' moved on,
	 * '+' forced, '*' new, '-' removed, '!' refused, and then why. NULL. */
	void (*on_ref)(char what, const char *ref, const char *why, void *data);
	void *data;
};

/* err says why it is not done, in git's words. */
enum mirror_result mirror_push(const struct mirror_push *push, struct error *err);

#endif
