/*
 * Values sealed for the disk: encrypted, and proven to be whole and in their place, with
 * a key that lies in a file of its own, outside of what it protects. XChaCha20-Poly1305
 * by libsodium. A seal may be used by several threads at a time.
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/buf.h"

struct seal;

/*
 * Reads the key of path, or makes one there, mode 0600 and on the disk when this returns.
 * A key that others may read, or that is not one, is ERR_ENVIRONMENT: it is never
 * replaced, since nothing sealed with it could be opened again. Blocks.
 */
MUST_CHECK int seal_open(const char *path, struct seal **out, struct error *err);
void seal_close(struct seal *seal); /* wipes the key; NULL is fine */
DEFINE_CLEANUP(seal, struct seal, seal_close)
#define cleanup_seal __attribute__((cleanup(seal_cleanup)))

/*
 * Adds the sealed form of data to out, 41 bytes longer than it. place says where it will
 * lie, such as "variable project 5 KEY": it opens nowhere else.
 */
void seal_value(const struct seal *seal, const char *place, const void *data, size_t len,
    struct buf *out);

/*
 * Adds what was sealed to out. ERR_INVALID: damaged, of another place or another key; the
 * message says place, never a value.
 */
MUST_CHECK int seal_open_value(const struct seal *seal, const char *place,
    const void *sealed, size_t len, struct buf *out, struct error *err);

/* Overwrites what a buffer held, and frees it. */
void seal_wipe(struct buf *b);

#endif
