/*
 * Whole files: what goes in and is recorded, main files that are none, YAML written back,
 * and the real pipelines of ../shared.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>

#include "base/path.h"
#include "tests/unit/loaded.h"
#include "tests/unit/node_text.h"

/* ---- what is recorded
 * ----------------------------------------------------------------*/

START_TEST(files_are_recorded_in_order)
{
	struct loaded l =
	    loaded_from("include: [a.yml, {project: g/p, ref: r, file: b.yml}]\n"
			"=== a.yml\na: 1\n=== g/p@r:b.yml\nb: 1\n",
		NULL);
	static const char *const want[] = { ".gitlab-ci.yml", "a.yml", "g/p@r:b.yml" };

	ck_assert_uint_eq(l.document.file_count, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		ck_assert_str_eq(l.document.files[i].path, want[i]);
	ck_assert_str_eq(l.document.files[1].sha256,
	    "37b128c59f1f5097f73f82691cb519f1f568667faab5ced1b4ab979d36837eae");
	loaded_clear(&l);
}
END_TEST

/* ---- main files
 * ----------------------------------------------------------------------*/

static const struct {
	const char *bundle, *want;
} findings[] = {
	{ "=== other.yml\na: 1\n", ".gitlab-ci.yml: error: there is no such file" },
	{ "=== .gitlab-ci.yml\n",
	    ".gitlab-ci.yml: error: please provide content of .gitlab-ci.yml: it is empty" },
	{ "# only a comment\n",
	    ".gitlab-ci.yml: error: please provide content of .gitlab-ci.yml: it is empty" },
	{ "- a\n",
	    ".gitlab-ci.yml:1:1: error: a pipeline file should be a map of keywords and jobs, "
	    "not a list" },
	{ "just text\n",
	    ".gitlab-ci.yml:1:1: error: a pipeline file should be a map of keywords and jobs, "
	    "not a string" },
	{ "a: {b: c\n",
	    ".gitlab-ci.yml:2:1: error: did not find expected ',' or '}' while parsing a flow "
	    "mapping that starts in line 1" },
	{ "a: !!binary x\n",
	    ".gitlab-ci.yml:1:4: error: tag `!!binary` is not known; only `!reference [job, "
	    "key]` may be used" },
};

START_TEST(main_file_is_none)
{
	struct loaded l = loaded_from(findings[_i].bundle, NULL);
	char *got = diags_text(&l.diags);

	ck_assert_int_lt(l.rc, 0);
	ck_assert_str_eq(got, findings[_i].want);
	free(got);
	loaded_clear(&l);
}
END_TEST

/* ---- written back
 * --------------------------------------------------------------------*/

static const struct {
	const char *yaml, *want;
} emitted[] = {
	{ "a: 1", "a: 1\n" },
	{ "a: {b: [x, 'y z', {c: d, e: f}], g: {}}",
	    "a:\n  b:\n    - x\n    - y z\n    - c: d\n      e: f\n  g: {}\n" },
	{ "a: []", "a: []\n" },
	{ "a: [[b, [c]], []]", "a:\n  - - b\n    - - c\n  - []\n" },
	{ "a: {x: 1}\nb: {y: 2}\n", "a:\n  x: 1\n\nb:\n  y: 2\n" },
	{ "a: |\n  one\n   two\n\n  three\n", "a: |\n  one\n   two\n\n  three\n" },
	{ "a: |-\n  one\n  two\n", "a: |-\n  one\n  two\n" },
	{ "a: |+\n  one\n\nb: 1", "a: |+\n  one\n\nb: 1\n" },
	{ "a: |+\n  one\n\nb: {c: 1}", "a: |+\n  one\n\nb:\n  c: 1\n" },
	{ "a: \"  in\\nout\"", "a: |2-\n    in\n  out\n" },
	{ "a: \"\\n\"", "a: \"\\n\"\n" },
	{ "[ 'yes', '1', 'null', '', '~', '1:30', '2024-01-01', '0x1', '.5' ]",
	    "- 'yes'\n- '1'\n- 'null'\n- ''\n- '~'\n- '1:30'\n- '2024-01-01'\n- '0x1'\n- '.5'\n" },
	{ "[ yes, 1, 1.50, ~, .inf, -.inf, .nan ]",
	    "- true\n- 1\n- 1.5\n- null\n- .inf\n- -.inf\n- .nan\n" },
	{ "[ 'a: b', 'a #b', '#a', '- a', '-a', '--', '*a', '&a', '!a', '@a', 'a:', \"it's\" ]",
	    "- 'a: b'\n- 'a #b'\n- '#a'\n- '- a'\n- -a\n- --\n- '*a'\n- '&a'\n- '!a'\n- '@a'\n"
	    "- 'a:'\n- it's\n" },
	{ "[ \"a\\tb\", \"\\e[0m\", \"\\x85\", \"\\u2028\", \"\\ufeff\", 'é', \"a\\\"b\\\\\\x01\" ]",
	    "- \"a\\tb\"\n- \"\\x1b[0m\"\n- \"\\x85\"\n- \"\\u2028\"\n- \"\\ufeff\"\n- é\n"
	    "- \"a\\\"b\\\\\\x01\"\n" },
	{ "{ '010': a, 010: b, 'yes': c, yes: d, 'a b': e, 'x: y': f, '': g }",
	    "'010': a\n8: b\n'yes': c\ntrue: d\na b: e\n'x: y': f\n'': g\n" },
	{ "a: !reference [.b, script]", "a: !reference [.b, script]\n" },
	{ "a: [!reference ['x, y', 'k: v'], 1]",
	    "a:\n  - !reference [\"x, y\", \"k: v\"]\n  - 1\n" },
	/* what would be a block only because both stand in one line */
	{ "a$[[ inputs.b: c\n  d ]]", "\"a\\x24[[ inputs.b\": c d ]]\n" },
	{ "a$[[ inputs.b ]]: c ]]", "a$[[ inputs.b ]]: c ]]\n" },
	{ "a: !reference ['$[[ inputs.b',\n  'c ]]']",
	    "a: !reference [\"\\x24[[ inputs.b\", \"c ]]\"]\n" },
	{ "just a text", "--- just a text\n" },
};

/* The text, and that reading it gives the same nodes. */
static void
expect_emitted(const char *yaml, size_t len, const char *want)
{
	struct arena *a = arena_new();
	cleanup_buf struct buf out = BUF_INIT;
	struct node **first, **again;
	struct diags diags;
	size_t count, count_again = 0;

	diags_init(&diags, a);
	if (yaml_parse(yaml, len, "first", a, &diags, &first, &count) < 0)
		count = 0; /* what is no YAML is not written either */
	for (size_t i = 0; i < count; i++) {
		buf_reset(&out);
		yaml_emit(first[i], &out);
		if (want != NULL)
			ck_assert_str_eq(buf_str(&out), want);
		ck_assert_msg(yaml_parse(out.data, out.len, "again", a, &diags, &again,
				  &count_again) == 0,
		    "%s", buf_str(&out));
		ck_assert_uint_eq(count_again, 1);
		ck_assert_msg(node_equal(first[i], again[0]), "%.4000s", buf_str(&out));
	}
	arena_free(a);
}

START_TEST(node_is_written)
{
	expect_emitted(emitted[_i].yaml, strlen(emitted[_i].yaml), emitted[_i].want);
}
END_TEST

START_TEST(long_key_is_written)
{
	cleanup_buf struct buf text = BUF_INIT, want = BUF_INIT;

	buf_add_str(&text, "x:\n  ? ");
	buf_add_str(&want, "x:\n  ? \"");
	for (int i = 0; i < 2000; i++) {
		buf_add_char(&text, 'k');
		buf_add_char(&want, 'k');
	}
	buf_add_str(&text, "\n  : {a: 1}\n");
	buf_add_str(&want, "\"\n  :\n    a: 1\n");
	expect_emitted(text.data, text.len, buf_str(&want));
}
END_TEST

/* ---- real pipelines
 * ------------------------------------------------------------------*/

static const char *
corpus_path(void)
{
	const char *shared = getenv("PAWL_SHARED");
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/conformance/corpus",
	    shared != NULL ? shared : "../shared");
	return path;
}

static void
check_file(const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	if (buf_read_file(&text, path, DOCUMENT_MAX_BYTES, &err) < 0)
		ck_abort_msg("%s", err.msg);
	expect_emitted(buf_str(&text), text.len, NULL);
}

static size_t
check_folder(const char *path)
{
	cleanup_closedir DIR *dir = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		cleanup_free char *child = path_join(path, entry->d_name);

		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (entry->d_type == DT_DIR) {
			count += check_folder(child);
		} else if (str_ends(child, ".yml") || str_ends(child, ".yaml")) {
			check_file(child);
			count++;
		}
	}
	return count;
}

START_TEST(real_pipelines_are_written_as_read)
{
	size_t count = check_folder(corpus_path());

	if (count == 0)
		printf("skipped: no %s (PAWL_SHARED)\n", corpus_path());
	else
		ck_assert_uint_gt(count, 500);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("document");
	TCase *tc = tcase_create("document");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, files_are_recorded_in_order);
	tcase_add_loop_test(tc, main_file_is_none, 0, ARRAY_LEN(findings));
	tcase_add_loop_test(tc, node_is_written, 0, ARRAY_LEN(emitted));
	tcase_add_test(tc, long_key_is_written);
	tcase_add_test(tc, real_pipelines_are_written_as_read);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
