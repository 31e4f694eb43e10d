/* The map of ids against an array that does the same slowly. */
#include <check.h>

#include "base/idmap.h"

#define IDS 1000

START_TEST(keeps_what_it_was_told)
{
	static char values[IDS];
	void *want[IDS] = { NULL };
	struct idmap m = IDMAP_INIT;
	size_t count = 0, walked = 0;
	uint32_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		size_t id = (seed = seed * 1664525 + 1013904223) >> 16 & 1023;

		if (id >= IDS)
			continue;
		if (seed >> 28 < 8) {
			count += want[id] == NULL;
			want[id] = &values[seed >> 20 & 511];
			idmap_set(&m, (int64_t)id, want[id]);
		} else {
			ck_assert_ptr_eq(idmap_remove(&m, (int64_t)id), want[id]);
			count -= want[id] != NULL;
			want[id] = NULL;
		}
		ck_assert_uint_eq(m.count, count);
	}
	for (size_t i = 0; i < IDS; i++)
		ck_assert_ptr_eq(idmap_get(&m, (int64_t)i), want[i]);
	idmap_for_each(e, &m)
		walked++;
	ck_assert_uint_eq(walked, count);
	idmap_clear(&m);
}
END_TEST

START_TEST(shrinks_when_emptied)
{
	struct idmap m = IDMAP_INIT;

	for (int64_t i = 0; i < 10000; i++)
		idmap_set(&m, i, &m);
	for (int64_t i = 0; i < 10000; i++)
		ck_assert_ptr_eq(idmap_remove(&m, i), &m);
	ck_assert_uint_eq(m.count, 0);
	ck_assert_uint_le(m.size, 16);
	idmap_clear(&m);
}
END_TEST

START_TEST(takes_any_number_as_id)
{
	static const int64_t ids[] = { 0, -1, INT64_MIN, INT64_MAX };
	struct idmap m = IDMAP_INIT;

	ck_assert_ptr_null(idmap_get(&m, 0));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		idmap_set(&m, ids[i], &m);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		ck_assert_ptr_eq(idmap_get(&m, ids[i]), &m);
	ck_assert_ptr_null(idmap_get(&m, 1));
	idmap_clear(&m);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("idmap");
	TCase *tc = tcase_create("idmap");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, keeps_what_it_was_told);
	tcase_add_test(tc, shrinks_when_emptied);
	tcase_add_test(tc, takes_any_number_as_id);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
