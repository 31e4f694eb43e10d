/* Forms in any number of pieces, and forms that are none. */
#include <check.h>

#include "base/buf.h"
#include "scheduler/form.h"

struct got {
	char name[300];
	struct buf bytes;
};

static int
on_file(const char *name, void *data, struct error *err UNUSED)
{
	struct got *g = data;

	(void)snprintf(g->name, sizeof(g->name), "%s", name);
	return 0;
}

static int
on_bytes(const char *bytes, size_t len, void *data, struct error *err UNUSED)
{
	struct got *g = data;

	buf_add(&g->bytes, bytes, len);
	return 0;
}

#define TYPE "multipart/form-data; boundary=xyz"
#define HEAD                                                                             \
	"--xyz\r\nContent-Disposition: form-data; name=\"file\"; "                       \
	"filename=\"a/b/art.zip\"\r\nContent-Type: application/zip\r\n\r\n"

static const struct {
	const char *type, *text, *want, *name, *error;
} forms[] = {
	{ TYPE, HEAD "content\r\n--xyz--\r\n", "content", "art.zip", NULL },
	{ TYPE, HEAD "\r\n--xyz--\r\n", "", "art.zip", NULL },
	{ TYPE, HEAD "a\r\n--xy\r\n--xy-z\r\n--xyz--", "a\r\n--xy\r\n--xy-z", "art.zip",
	    NULL },
	{ "multipart/form-data; charset=x; boundary=\"xyz\"",
	    "preamble\r\n--xyz\r\nContent-Disposition: form-data; name=other\r\n\r\nno\r\n"
	    "--xyz\r\ncontent-disposition: form-data; filename=f; name=file\r\n\r\nyes"
	    "\r\n--xyz--\r\nepilogue",
	    "yes", "f", NULL },
	{ TYPE, HEAD "x\r\n" HEAD "y\r\n--xyz--", NULL, NULL, "second file" },
	{ TYPE, HEAD "content", NULL, NULL, "cut off" },
	{ TYPE, "", NULL, NULL, "cut off" },
	{ TYPE, "--xyz--", NULL, NULL, "no field named \"file\"" },
	{ "text/plain", "", NULL, NULL, "wanted multipart/form-data" },
	{ "multipart/form-data", "", NULL, NULL, "wanted multipart/form-data" },
	{ NULL, "", NULL, NULL, "wanted multipart/form-data" },
};

static int
read_form(
    const char *type, const char *text, size_t piece, struct got *g, struct error *err)
{
	struct form_events events = {
		.on_file = on_file, .on_bytes = on_bytes, .data = g
	};
	struct form *f = NULL;
	size_t len = strlen(text);
	int rc = form_new(type, &events, &f, err);

	for (size_t at = 0; rc == 0 && at < len; at += piece)
		rc = form_add(f, text + at, len - at < piece ? len - at : piece, err);
	if (rc == 0)
		rc = form_end(f, err);
	form_free(f);
	return rc;
}

START_TEST(file_comes_out_whole)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 100000 };

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct got g = { .name = "" };
		struct error err = ERROR_INIT;
		int rc = read_form(forms[_i].type, forms[_i].text, pieces[i], &g, &err);

		if (forms[_i].error != NULL) {
			ck_assert_int_lt(rc, 0);
			ck_assert_msg(
			    strstr(err.msg, forms[_i].error) != NULL, "%s", err.msg);
		} else {
			ck_assert_msg(rc == 0, "%s", err.msg);
			ck_assert_str_eq(buf_str(&g.bytes), forms[_i].want);
			ck_assert_str_eq(g.name, forms[_i].name);
		}
		buf_clear(&g.bytes);
	}
}
END_TEST

START_TEST(head_without_end_is_refused)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct got g = { .name = "" };
	struct error err = ERROR_INIT;

	buf_add_str(&text, "--xyz\r\n");
	for (int i = 0; i < 20000; i++)
		buf_add_char(&text, 'a');
	ck_assert_int_eq(read_form(TYPE, buf_str(&text), 100, &g, &err), ERR_LIMIT);
	buf_clear(&g.bytes);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("form");
	TCase *t = tcase_create("all");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, file_comes_out_whole, 0, ARRAY_LEN(forms));
	tcase_add_test(t, head_without_end_is_refused);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
