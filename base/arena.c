/* A chain of blocks; big requests get a block of their own. */
#include "base/arena.h"

#include <stdio.h>

#define BLOCK_SIZE ((size_t)64 * 1024)
#define FIRST_BLOCK ((size_t)4 * 1024)

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(max_align_t) char data[];
};

struct arena {
	struct block *head;
	size_t used;
};

struct arena *
arena_new(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	for (struct block *b = a->head, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

static struct block *
add_block(struct arena *a, size_t size)
{
	struct block *b = xcalloc(1, sizeof(*b) + size);

	b->size = size;
	b->next = a->head;
	a->head = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->head;
	void *p;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (b == NULL || b->size - b->used < size) {
		size_t want = b == NULL ? FIRST_BLOCK : BLOCK_SIZE;

		if (size > want / 4 && b != NULL) { /* big: behind the current block */
			struct block *own = add_block(a, size);

			a->head = b;
			own->next = b->next;
			b->next = own;
			own->used = size;
			a->used += size;
			return own->data;
		}
		b = add_block(a, size > want ? size : want);
	}
	p = b->data + b->used;
	b->used += size;
	a->used += size;
	return p;
}

void *
arena_calloc(struct arena *a, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		bytes = SIZE_MAX / 2; /* more than there is: ends in xcalloc */
	return arena_alloc(a, bytes);
}

void *
arena_memdup(struct arena *a, const void *data, size_t len)
{
	void *copy = arena_alloc(a, len);

	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return s == NULL ? NULL : arena_strndup(a, s, strlen(s));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *s;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = arena_alloc(a, (size_t)(len < 0 ? 0 : len) + 1);
	if (len > 0)
		(void)vsnprintf(s, (size_t)len + 1, fmt, again);
	va_end(again);
	return s;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}
