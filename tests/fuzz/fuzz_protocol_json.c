/*
 * Bodies of strangers. What is read and written again has to read as the same: writing
 * what was read twice gives the same text.
 */
#include "protocol/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same(const struct buf *a, const struct buf *b)
{
	if (a->len != b->len || memcmp(buf_str(a), buf_str(b), a->len) != 0)
		abort();
}

static void
try_payload(const char *text, size_t size)
{
	cleanup_buf struct buf once = BUF_INIT, twice = BUF_INIT;
	struct job_payload *job = NULL, *again = NULL;
	struct error err = ERROR_INIT;

	if (job_payload_read(text, size, &job, &err) < 0)
		return;
	job_payload_write(job, &once);
	if (job_payload_read(buf_str(&once), once.len, &again, &err) < 0)
		abort();
	job_payload_write(again, &twice);
	same(&once, &twice);
	job_payload_free(again);
	job_payload_free(job);
}

static void
try_request(const char *text, size_t size)
{
	cleanup_buf struct buf once = BUF_INIT, twice = BUF_INIT;
	cleanup_runner_request struct runner_request r = { .arena = NULL };
	cleanup_runner_request struct runner_request again = { .arena = NULL };
	struct error err = ERROR_INIT;

	if (runner_request_read(text, size, &r, &err) < 0)
		return;
	runner_request_write(&r, &once);
	if (runner_request_read(buf_str(&once), once.len, &again, &err) < 0)
		abort();
	runner_request_write(&again, &twice);
	same(&once, &twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xmemdup(data, size);
	struct error err = ERROR_INIT;
	struct runner_identity id;
	char words[100];

	try_payload(text, size);
	try_request(text, size);
	if (runner_identity_read(text, size, &id, &err) == 0 && id.id <= 0)
		abort();
	error_body_read(text, size, words, sizeof(words));
	return 0;
}
