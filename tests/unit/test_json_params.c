/* Parameters of queries and forms become what JSON would have said. */
#include <check.h>

#include "base/str.h"
#include "protocol/json_params.h"

struct inner {
	const char *key, *value;
};

struct sample {
	const char *name, *scope;
	int64_t count;
	double share;
	bool on;
	const char **words, **tags;
	size_t word_count, tag_count, item_count;
	struct inner *items;
};

static const struct json_field inner_fields[] = {
	{ JSON_FIELD("key", STRING, struct inner, key) },
	{ JSON_FIELD("value", STRING, struct inner, value) },
	{ NULL },
};
static const struct json_shape inner_shape = { inner_fields, sizeof(struct inner) };
static const struct json_field filter_fields[] = {
	{ JSON_FIELD("scope", STRING, struct sample, scope) },
	{ NULL },
};
static const struct json_shape filter_shape = { filter_fields, sizeof(struct sample) };
static const struct json_field fields[] = {
	{ JSON_FIELD("name", STRING, struct sample, name) },
	{ JSON_FIELD("count", INT, struct sample, count), .when = JSON_OMIT },
	{ JSON_FIELD("share", REAL, struct sample, share), .when = JSON_OMIT },
	{ JSON_FIELD("on", BOOL, struct sample, on), .when = JSON_OMIT },
	{ JSON_COUNTED("words", STRINGS, struct sample, words, word_count),
	    .when = JSON_OMIT },
	{ JSON_COUNTED("tags", COMMAS, struct sample, tags, tag_count),
	    .when = JSON_OMIT },
	{ .key = "filter",
	    .kind = JSON_KIND_OBJECT,
	    .shape = &filter_shape,
	    .when = JSON_OMIT },
	{ JSON_COUNTED("items", OBJECTS, struct sample, items, item_count),
	    .shape = &inner_shape, .when = JSON_OMIT },
	{ NULL },
};
static const struct json_shape shape = { fields, sizeof(struct sample) };

/* "a=b&c=d", decoded already; the answer as JSON, or what is wrong. malloced. */
static char *
said(const char *text)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_json_params struct json_params *p = json_params_new(&shape);
	cleanup_free char *copy = xstrdup(text);
	struct buf out = BUF_INIT;
	struct sample got = { .name = NULL };
	struct error err = ERROR_INIT;
	char *rest = copy, *pair;
	int rc = 0;

	while (rc == 0 && (pair = strsep(&rest, "&")) != NULL) {
		char *name = strsep(&pair, "=");

		rc = json_params_add(p, name, pair != NULL ? pair : "", &err);
	}
	if (rc == 0)
		rc = json_params_read(p, arena, &got, &err);
	if (rc < 0)
		buf_add_str(&out, err.msg);
	else
		json_shape_write(&shape, &got, &out);
	return buf_take(&out);
}

static const struct {
	const char *text, *want;
} samples[] = {
	{ "name=a", "{\"name\":\"a\"}" },
	{ "name=", "{\"name\":\"\"}" },
	{ "name=a&name=b", "{\"name\":\"b\"}" },
	{ "unknown=5&un[known]=1&[=x&=y&]", "{\"name\":null}" },
	{ "count=5&share=0.5&on=1",
	    "{\"name\":null,\"count\":5,\"share\":0.5,\"on\":true}" },
	{ "count=&on=&share=", "{\"name\":null}" },
	{ "on=True", "{\"name\":null,\"on\":true}" },
	{ "on=yes&on=off", "{\"name\":null}" },
	{ "words[]=a&words[]=b&words[2]=c",
	    "{\"name\":null,\"words\":[\"a\",\"b\",\"c\"]}" },
	{ "words=a", "{\"name\":null,\"words\":[\"a\"]}" },
	{ "tags=a, b", "{\"name\":null,\"tags\":\"a,b\"}" },
	{ "tags[]=a&tags[]=b", "{\"name\":null,\"tags\":\"a,b\"}" },
	{ "filter[scope]=x", "{\"name\":null,\"filter\":{\"scope\":\"x\"}}" },
	{ "filter[unknown]=x", "{\"name\":null}" },
	{ "items[][key]=a&items[][value]=1&items[][key]=b",
	    "{\"name\":null,\"items\":[{\"key\":\"a\",\"value\":\"1\"},"
	    "{\"key\":\"b\",\"value\":null}]}" },
	{ "items[0][key]=a&items[1][key]=b",
	    "{\"name\":null,\"items\":[{\"key\":\"a\",\"value\":null},"
	    "{\"key\":\"b\",\"value\":null}]}" },
	/* what is wrong */
	{ "count=many", "count has to be a whole number, not a string" },
	{ "count=99999999999999999999", "count has to be a whole number, not a string" },
	{ "share=inf", "share has to be a number, not a string" },
	{ "on=perhaps", "on has to be true or false, not a string" },
	{ "name[]=a", "name[] has to be one value" },
	{ "name[a]=a", "name[a] has to be one value" },
	{ "name[=a", "name[ has to be one value" },
	{ "words[a]=b", "words[a] has to be a list" },
	{ "words[][a]=b", "words[][a] has to be a list" },
	{ "tags=a&tags[]=b", "tags[] is given in two ways" },
	{ "filter=x", "filter has to be an object" },
	{ "filter[]=x", "filter[] has to be an object" },
	{ "filter[scope][x]=x", "filter[scope][x] has to be one value" },
	{ "items=x", "items has to be a list of objects" },
	{ "items[]=x", "items[] has to be a list of objects" },
	{ "items[a][key]=x", "items[a][key] has to be a list of objects" },
	{ "name=\xff", "name is no valid UTF-8" },
	{ "\xff=a", "a parameter's name is no valid UTF-8" },
};

START_TEST(reads_as_rack_does)
{
	cleanup_free char *got = said(samples[_i].text);

	ck_assert_msg(
	    str_eq(got, samples[_i].want), "%s gives %s", samples[_i].text, got);
}
END_TEST

/* A query first, the body over it: what the second does not say stays. */
START_TEST(what_is_not_given_stays)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_json_params struct json_params *p = json_params_new(&shape);
	struct sample got = { .name = "before", .count = 3 };
	struct error err = ERROR_INIT;

	ck_assert_int_eq(json_params_add(p, "count", "4", &err), 0);
	ck_assert_int_eq(json_params_read(p, arena, &got, &err), 0);
	ck_assert_str_eq(got.name, "before");
	ck_assert_int_eq(got.count, 4);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json_params");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, reads_as_rack_does, 0, (int)ARRAY_LEN(samples));
	tcase_add_test(tc, what_is_not_given_stays);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
