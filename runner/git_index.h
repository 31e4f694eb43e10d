/*
 * git's index as a file: read, made of nothing, or made from an earlier one, which for a
 * commit that changes ten files of 100,000 takes a tenth of the time git takes for it.
 * Versions 2 and 3, as pawl has git write them. Any thread, each index for itself.
 * Source: gitformat-index(5).
 */
#ifndef RUNNER_GIT_INDEX_H
#define RUNNER_GIT_INDEX_H

#include "base/buf.h"
#include "base/str.h"

#define GIT_INDEX_HASH_MAX 32 /* bytes of an object's name: 20 of SHA-1, or 32 */

struct git_index {
	struct buf text;
	size_t hash_len;
	uint32_t version;
	size_t count;
	size_t end; /* of the entries; extensions follow, which are left out */
};

/* One entry; points into the index. */
struct git_index_entry {
	const char *name;
	uint32_t mode; /* 0100644, 0100755, 0120000, 0160000 */
	int64_t mtime_ns;
	uint32_t size; /* of the file, modulo 2^32 */
	const unsigned char *id;
	const char *raw;
	size_t raw_len;
};

void git_index_clear(struct git_index *index);
#define cleanup_git_index __attribute__((cleanup(git_index_clear)))

/* ERR_INVALID: no index of a version that is known, or damaged. */
MUST_CHECK int git_index_read(
    const char *file, size_t hash_len, struct git_index *out, struct error *err);

/* From *at, which begins as 0; false at the end. */
bool git_index_next(
    const struct git_index *index, size_t *at, struct git_index_entry *out);

/* An entry that git is to check out; in the order of names. */
struct git_index_want {
	char *name;
	uint32_t mode;
	unsigned char id[GIT_INDEX_HASH_MAX];
};

MUST_CHECK int git_index_write(const struct git_index_want *wants, size_t count,
    size_t hash_len, const char *file, struct error *err);

/*
 * Write old without the names in gone (sorted), and with all entries of fresh, which may
 * replace some of its own.
 */
MUST_CHECK int git_index_patch(const struct git_index *old, const struct git_index *fresh,
    const struct strlist *gone, const char *file, struct error *err);

#endif
