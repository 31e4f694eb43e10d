/*
 * Files between a job's folder and its server: artifacts sent, and archives of earlier
 * jobs fetched. Both stream; both are tried again where that may help. Loop thread.
 * Source: runner-protocol.md section 6.
 */
#ifndef RUNNER_TRANSFER_H
#define RUNNER_TRANSFER_H

#include "runner/artifacts.h"

struct http_client;
struct transfer;
struct uv_loop_s;

/* Strings are the caller's and outlive the transfer. */
struct transfer_target {
	struct uv_loop_s *loop;
	struct http_client *client;
	const char *api; /* "https://host/api/v4" */
	int64_t job;     /* whose files they are */
	const char *token;
	int64_t retry_ms; /* the first wait; 0: 1 s */
};

/* From the loop, once; err->code 0: done. The transfer is gone after. */
typedef void (*transfer_done_fn)(const struct error *err, void *data);

/* file lives until done. */
struct transfer *transfer_upload(const struct transfer_target *target,
    const struct artifacts_packed *file, transfer_done_fn done, void *data);
/* To path, which is made or replaced. */
struct transfer *transfer_download(const struct transfer_target *target, const char *path,
    transfer_done_fn done, void *data);
void transfer_cancel(struct transfer *t); /* without a word; NULL is fine */

#endif
