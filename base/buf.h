/* A growing byte buffer, always NUL-terminated after its len bytes. Caller's storage. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/error.h"

struct buf {
	char *data; /* never NULL once something was added; "" by buf_str */
	size_t len, cap;
};

#define BUF_INIT                                                                         \
	{                                                                                \
		.data = NULL                                                             \
	}

void buf_clear(struct buf *b); /* frees; the buffer may be used again */
void buf_reset(struct buf *b); /* empties, keeps the memory */
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* As one word for a shell: as it is when it is plain, else in single quotes. */
void buf_add_shell_quoted(struct buf *b, const char *word);
/* As one part of a URL: all but letters, digits and "-_.~" goes as its code. */
void buf_add_url_encoded(struct buf *b, const char *text);

void buf_remove_front(struct buf *b, size_t len);

/* The content as a string; "" when empty. Valid until the next change. */
const char *buf_str(const struct buf *b);

/* text as one word of a shell: single quotes keep everything but the single quote. */
void buf_add_shell_word(struct buf *b, const char *text);

/* The content, handed to the caller as a malloced string; the buffer is empty after. */
char *buf_take(struct buf *b);

/* Read until end of file; more than max bytes is ERR_LIMIT. */
MUST_CHECK int buf_read_fd(struct buf *b, int fd, size_t max, struct error *err);
MUST_CHECK int buf_read_file(
    struct buf *b, const char *path, size_t max, struct error *err);

#define cleanup_buf __attribute__((cleanup(buf_clear)))

#endif
