/*
 * Making the server's repository the same as the one it copies. Pushes whose hook died or
 * whose server was away are found here, by comparing. Blocks; one thread.
 */
#ifndef SCHEDULER_HOOK_LEVEL_H
#define SCHEDULER_HOOK_LEVEL_H

#include "scheduler/hook/mirror.h"

/* What the server lacks. Caller's storage. */
struct difference {
	struct strlist refs;
	char *what;   /* a letter for each ref, as mirror_push.on_ref has it */
	size_t same;  /* refs that are level */
	bool is_lost; /* this repository has no ref at all, the server has */
};

#define DIFFERENCE_INIT                                                                  \
	{                                                                                \
		.what = NULL                                                             \
	}

void difference_clear(struct difference *d);
#define cleanup_difference __attribute__((cleanup(difference_clear)))

enum mirror_result level_compare(
    const struct place *p, struct difference *out, struct error *err);

struct level_push {
	const struct place *place;
	const struct pushed *seen;     /* refs and where they were when looked at */
	const struct strlist *options; /* NULL: none */
	bool (*on_line)(const char *line, void *data);
	void (*on_ref)(char what, const char *ref, const char *why, void *data);
	void *data;
	size_t overtaken; /* filled in: refs that are elsewhere by now, and left alone */
};

/*
 * Pushes refs that are still where they were seen: the others belong to a push whose own
 * hook is on its way. Many at once are an import: then all refs go as they are. The
 * caller holds the lock.
 */
enum mirror_result level_push(struct level_push *l, struct error *err);

/*
 * Compares, and pushes what the server lacks: first what is in the queue, each with its
 * options. Takes the lock for the pushing. A second passes between comparing and pushing,
 * for hooks of other pushes that are only beginning to write into the queue.
 */
enum mirror_result level_refs(const struct place *p,
    bool (*on_line)(const char *line, void *data), void *data, struct error *err);

#endif
