/*
 * What every file of pawl may use without thinking: memory that never fails,
 * cleanup on scope exit, and a few attributes. Links libc only.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Memory. These end the process with a message when there is none left. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size); /* zeroed; checks the product */
void *xrealloc(void *ptr, size_t size);
void *xreallocarray(void *ptr, size_t count, size_t size); /* checks the product */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
void *xmemdup(const void *data, size_t len);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);
char *xvasprintf(const char *fmt, va_list ap) PRINTF(1, 0);

/*
 * GROW(array, count, cap): make room for one more element of a plain growing array.
 * The caller stores at array[count++].
 */
#define GROW(array, count, cap)                                                          \
	do {                                                                             \
		if ((count) == (cap)) {                                                  \
			(cap) = (cap) == 0 ? 8 : (cap)*2;                                \
			(array) = xreallocarray((array), (cap), sizeof(*(array)));       \
		}                                                                        \
	} while (0)

/* Cleanup on scope exit. A cleaned-up variable is declared initialised. */
void cleanup_free_ptr(void *p); /* p: address of a malloced pointer */
void cleanup_close_fd(int *fd); /* closes fd >= 0; keeps errno */
void cleanup_fclose_ptr(void *p);
void cleanup_closedir_ptr(void *p);
#define cleanup_free __attribute__((cleanup(cleanup_free_ptr)))
#define cleanup_close __attribute__((cleanup(cleanup_close_fd)))
#define cleanup_fclose __attribute__((cleanup(cleanup_fclose_ptr)))
#define cleanup_closedir __attribute__((cleanup(cleanup_closedir_ptr)))

/* Defines the function behind cleanup(NAME_cleanup) for a type freed by FREE(type *). */
#define DEFINE_CLEANUP(name, type, free_fn)                                              \
	static inline void name##_cleanup(type **p)                                      \
	{                                                                                \
		free_fn(*p);                                                             \
	}

/* Hand a pointer over: its value is returned, the variable is left NULL. */
#define take(ptr)                                                                        \
	__extension__({                                                                  \
		__typeof__(ptr) taken_ = (ptr);                                          \
		(ptr) = NULL;                                                            \
		taken_;                                                                  \
	})

/* The same for a file descriptor; the variable is left -1. */
static inline int
take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
