/* The ordered set: order, ranks, and a depth that follows the logarithm. */
#include <check.h>

#include "base/ranked.h"

#define COUNT 4096

struct member {
	int key;
	struct ranked_node node;
};

static int
compare(const struct ranked_node *a, const struct ranked_node *b)
{
	return ranked_of(a, struct member, node)->key -
	    ranked_of(b, struct member, node)->key;
}

/* Each key once, in an order that jumps about; step 1: ascending. */
static void
fill(struct ranked *set, struct member *members, int step)
{
	for (int i = 0; i < COUNT; i++) {
		members[i] = (struct member){ .key = i * step % COUNT };
		ranked_insert(set, &members[i].node);
	}
}

static const int steps[] = { 1, 1023, COUNT - 1 };

START_TEST(walks_in_order)
{
	static struct member members[COUNT];
	struct ranked set = RANKED_INIT(compare);
	int want = 0;

	fill(&set, members, steps[_i]);
	for (const struct ranked_node *n = set.first; n != NULL; n = ranked_next(n)) {
		ck_assert_int_eq(ranked_of(n, struct member, node)->key, want);
		ck_assert_uint_eq(ranked_rank(n), (size_t)want);
		want++;
	}
	ck_assert_int_eq(want, COUNT);
}
END_TEST

START_TEST(removes_any)
{
	static struct member members[COUNT];
	struct ranked set = RANKED_INIT(compare);
	int want = 1;

	fill(&set, members, steps[_i]);
	for (int i = 0; i < COUNT; i++) {
		if (members[i].key % 2 == 1)
			continue;
		ranked_remove(&set, &members[i].node);
		ck_assert(!ranked_has(&members[i].node));
	}
	ck_assert_uint_eq(ranked_count(&set), COUNT / 2);
	for (const struct ranked_node *n = set.first; n != NULL; n = ranked_next(n)) {
		ck_assert_int_eq(ranked_of(n, struct member, node)->key, want);
		ck_assert_uint_eq(ranked_rank(n), (size_t)want / 2);
		want += 2;
	}
}
END_TEST

START_TEST(stays_shallow)
{
	static struct member members[COUNT];
	struct ranked set = RANKED_INIT(compare);
	size_t deepest = 0;

	fill(&set, members, steps[_i]);
	for (int i = 0; i < COUNT; i++) {
		size_t depth = 0;

		for (const struct ranked_node *n = &members[i].node; n != NULL; n = n->up)
			depth++;
		deepest = depth > deepest ? depth : deepest;
	}
	ck_assert_uint_le(deepest, 48); /* 4 times the best */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ranked");
	TCase *tc = tcase_create("ranked");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, walks_in_order, 0, (int)ARRAY_LEN(steps));
	tcase_add_loop_test(tc, removes_any, 0, (int)ARRAY_LEN(steps));
	tcase_add_loop_test(tc, stays_shallow, 0, (int)ARRAY_LEN(steps));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
