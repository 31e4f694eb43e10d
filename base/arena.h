/*
 * An arena owns all that is parsed from one source: nodes and strings are carved from
 * large blocks and freed together. Not thread-safe; one owner.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is fine */

/* Zeroed, aligned for any type. Never fails. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_calloc(struct arena *a, size_t count, size_t size);
void *arena_memdup(struct arena *a, const void *data, size_t len);
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

/* Bytes handed out so far, to bound what hostile input may cost. */
size_t arena_used(const struct arena *a);

static inline void
arena_cleanup_ptr(struct arena **a)
{
	arena_free(*a);
}
#define cleanup_arena __attribute__((cleanup(arena_cleanup_ptr)))

/* ARENA_GROW(arena, array, count, cap): as GROW; the old array stays until the end. */
#define ARENA_GROW(a, array, count, cap)                                                 \
	do {                                                                             \
		if ((count) == (cap)) {                                                  \
			size_t cap_ = (cap) == 0 ? 8 : (cap)*2;                          \
			void *new_ = arena_calloc((a), cap_, sizeof(*(array)));          \
			if ((count) > 0)                                                 \
				memcpy(new_, (array), (count) * sizeof(*(array)));       \
			(array) = new_;                                                  \
			(cap) = cap_;                                                    \
		}                                                                        \
	} while (0)

#endif
