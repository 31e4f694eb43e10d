/*
 * What jobs upload, on disk: DATA/artifacts/<id / 1000>/<id>/<type>, written beside its
 * place and renamed into it, so that a reader sees all or nothing. Blocks for as long as
 * the disk takes; writing happens piece by piece.
 */
#ifndef SCHEDULER_ARTIFACT_STORE_H
#define SCHEDULER_ARTIFACT_STORE_H

#include "base/buf.h"
#include "base/hash.h"

struct artifact_upload;

/* type names the file: letters, digits and "_" only, else ERR_INVALID. */
MUST_CHECK int artifact_upload_begin(const char *dir, int64_t job, const char *type,
    int64_t max_bytes, struct artifact_upload **out, struct error *err);
/* ERR_LIMIT above max_bytes; ERR_ENVIRONMENT on a full disk. */
MUST_CHECK int artifact_upload_write(
    struct artifact_upload *u, const void *data, size_t len, struct error *err);
/* Into its place, that of an older one of this type. */
MUST_CHECK int artifact_upload_finish(struct artifact_upload *u, int64_t *size,
    unsigned char sha256[HASH_SHA256_BYTES], struct error *err);
/* Removes what was not finished. NULL is fine. */
void artifact_upload_free(struct artifact_upload *u);

/* Its file, malloced. */
char *artifact_store_path(const char *dir, int64_t job, const char *type);
/* Open for reading; ERR_MISSING. */
MUST_CHECK int artifact_store_open(const char *dir, int64_t job, const char *type,
    int *fd, int64_t *size, struct error *err);
/* One file out of a job's archive. ERR_MISSING: not in it, or there is none. */
MUST_CHECK int artifact_store_read(const char *dir, int64_t job, const char *path,
    size_t max, struct buf *out, struct error *err);
void artifact_store_remove(const char *dir, int64_t job, const char *type);

#endif
