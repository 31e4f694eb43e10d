/*
 * JUnit reports: the first byte says how large the pieces are. Whatever the pieces, the
 * same cases come out, unless the report is wrong: then it is so in both.
 */
#include "base/buf.h"
#include "base/str.h"
#include "scheduler/junit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
keep_case(const struct junit_case *c, void *data)
{
	struct buf *out = data;
	const char *const texts[] = { c->suite, c->name, c->classname, c->file,
		c->output };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		size_t len = strlen(texts[i]);

		if (str_utf8_valid(texts[i], len) != len)
			abort();
		buf_add(out, texts[i], len + 1);
	}
	if (c->time_us < 0)
		abort();
	buf_printf(out, "%s %" PRId64, junit_status_name(c->status), c->time_us);
}

static int
parse(const char *text, size_t len, size_t piece, struct buf *out)
{
	cleanup_junit struct junit *j = junit_new(keep_case, out);
	struct error err = ERROR_INIT;

	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		if (junit_add(j, text + at, n, &err) < 0)
			return err.code;
	}
	return junit_end(j, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_buf struct buf whole = BUF_INIT, pieces = BUF_INIT;
	const char *text = (const char *)data + 1;
	int rc;

	if (size < 2)
		return 0;
	rc = parse(text, size - 1, size, &whole);
	if (parse(text, size - 1, (size_t)data[0] + 1, &pieces) != rc ||
	    whole.len != pieces.len ||
	    (whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0))
		abort();
	return 0;
}
