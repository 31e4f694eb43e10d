/*
 * The files beside the project that others wrote: GitLab's own lint cases, by shape, and
 * pipelines of real projects, which GitLab ran, so they are right.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/folder.h"
#include "cli/lint.h"

#define LINT_SHARE 95 /* per cent that must be judged as GitLab does */

/* A folder of the conformance data, malloced; NULL after saying that it is missing. */
static char *
find_data(const char *name)
{
	const char *shared = getenv("PAWL_SHARED");
	char *path =
	    xasprintf("%s/conformance/%s", shared != NULL ? shared : "../shared", name);

	if (access(path, R_OK) == 0)
		return path;
	printf("skipped: no %s (PAWL_SHARED)\n", path);
	free(path);
	return NULL;
}

static void
list_names(const char *dir, struct strlist *out)
{
	cleanup_closedir DIR *d = opendir(dir);
	const struct dirent *entry;

	ck_assert_msg(d != NULL, "cannot open %s", dir);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			strlist_add(out, entry->d_name);
	strlist_sort(out);
}

/* Whether the file is valid; all findings go to text. */
static bool
is_valid(const char *root, const char *path, bool shape_only, struct buf *text)
{
	cleanup_arena struct arena *arena = arena_new();
	struct folder folder;
	struct document_options load = {
		.path = path, .provider = &folder.provider, .shape_only = shape_only
	};
	struct lint_result result;

	folder_init(&folder, root);
	lint_document(&load, arena, &result);
	for (size_t i = 0; i < result.diags.count; i++) {
		buf_add_str(text, "    ");
		diag_format(&result.diags.items[i], text);
		buf_add_char(text, '\n');
	}
	folder_clear(&folder);
	return result.diags.errors == 0;
}

struct tally {
	size_t right, all;
	struct buf wrong; /* names and findings */
};

static void
judge_folder(const char *data, const char *name, bool want, struct tally *tally)
{
	cleanup_strlist struct strlist names = STRLIST_INIT;
	cleanup_free char *dir = path_join(data, name);

	list_names(dir, &names);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_buf struct buf text = BUF_INIT;

		tally->all++;
		if (is_valid(dir, names.items[i], true, &text) == want)
			tally->right++;
		else
			buf_printf(&tally->wrong, "  %s/%s\n%s", name, names.items[i],
			    buf_str(&text));
	}
}

START_TEST(lint_cases_are_judged_as_gitlab_does)
{
	cleanup_free char *data = find_data("lint");
	struct tally tally = { 0 };

	if (data == NULL)
		return;
	judge_folder(data, "valid", true, &tally);
	judge_folder(data, "invalid", false, &tally);
	ck_assert_uint_ge(tally.all, 54);
	printf(
	    "lint cases: %zu of %zu\n%s", tally.right, tally.all, buf_str(&tally.wrong));
	ck_assert_msg(tally.right * 100 >= tally.all * LINT_SHARE,
	    "only %zu of %zu lint cases are judged as GitLab does:\n%s", tally.right,
	    tally.all, buf_str(&tally.wrong));
	buf_clear(&tally.wrong);
}
END_TEST

/* Pipelines that cannot be right here, and why; everything else must be accepted. */
static const struct {
	const char *name, *why;
} refused[] = {
	{ "NVIDIA__nvidia-container-toolkit",
	    "a job extends .test:toolkit, which no file has" },
	{ "doevelopper__rules-sdlc", "an alias has no anchor" },
	{ "LarvataTW__auto-deploy-image",
	    "a local file includes a template of GitLab's" },
};

static const char *
why_refused(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (str_eq(refused[i].name, name))
			return refused[i].why;
	return NULL;
}

/* Whether a line of the list begins with the name and a tab. */
static bool
needs_network(const struct buf *list, const char *name)
{
	cleanup_free char *start = xasprintf("%s\t", name);

	for (const char *line = buf_str(list); line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (str_starts(line, start))
			return true;
	}
	return false;
}

static void
judge_pipeline(const char *corpus, const char *name, struct tally *tally)
{
	cleanup_free char *root = path_join(corpus, name);
	cleanup_buf struct buf text = BUF_INIT;
	bool valid = is_valid(root, ".gitlab-ci.yml", false, &text);

	tally->all++;
	if (valid == (why_refused(name) == NULL))
		tally->right++;
	else if (valid)
		buf_printf(&tally->wrong, "  %s is accepted, although %s\n", name,
		    why_refused(name));
	else
		buf_printf(&tally->wrong, "  %s\n%s", name, buf_str(&text));
}

START_TEST(real_pipelines_are_accepted)
{
	cleanup_free char *data = find_data("corpus");
	cleanup_strlist struct strlist names = STRLIST_INIT;
	cleanup_buf struct buf network = BUF_INIT;
	cleanup_free char *list = NULL;
	struct error err = ERROR_INIT;
	struct tally tally = { 0 };

	if (data == NULL)
		return;
	list = path_join(data, "needs-network.txt");
	ck_assert_msg(buf_read_file(&network, list, 1 << 20, &err) == 0, "%s", err.msg);
	list_names(data, &names);
	for (size_t i = 0; i < names.count; i++)
		if (strchr(names.items[i], '.') == NULL &&
		    !needs_network(&network, names.items[i]))
			judge_pipeline(data, names.items[i], &tally);
	ck_assert_uint_ge(tally.all, 80);
	ck_assert_msg(tally.right == tally.all, "%zu of %zu pipelines are misjudged:\n%s",
	    tally.all - tally.right, tally.all, buf_str(&tally.wrong));
	buf_clear(&tally.wrong);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conformance");
	TCase *tc = tcase_create("files");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, lint_cases_are_judged_as_gitlab_does);
	tcase_add_test(tc, real_pipelines_are_accepted);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
