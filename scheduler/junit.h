/*
 * JUnit reports, read as they come: one call per test case, and no memory that grows with
 * their number. A report may be several XML documents, one after the other: the files of
 * one job (runner-protocol.md section 9). What is read of them is what GitLab reads:
 * testcase elements at any depth below testsuites and testsuite. Whoever wrote the report
 * may wish harm: entities are refused, all sizes bounded. Any thread, one at a time.
 */
#ifndef SCHEDULER_JUNIT_H
#define SCHEDULER_JUNIT_H

#include "base/error.h"

#define JUNIT_MAX_BYTES ((size_t)64 << 20)
#define JUNIT_MAX_CASES 500000
#define JUNIT_MAX_FILES 10000
#define JUNIT_MAX_DEPTH 64
#define JUNIT_MAX_NAME ((size_t)4 << 10)  /* names longer than that are cut */
#define JUNIT_MAX_TEXT ((size_t)64 << 10) /* and each text */
#define JUNIT_MAX_TAG ((size_t)2 << 20)   /* a tag, with its attributes, or a comment */

enum junit_status { JUNIT_SUCCESS, JUNIT_SKIPPED, JUNIT_ERROR, JUNIT_FAILED };
const char *junit_status_name(enum junit_status status); /* as GitLab's: "success" … */

/* UTF-8, never NULL: "" where the report says nothing. */
struct junit_case {
	const char *suite; /* the testsuite around it */
	const char *name, *classname, *file;
	enum junit_status status;
	int64_t time_us; /* what it took, as the report has it; 0 if it says nothing */
	const char
	    *output; /* message and text of what went wrong, and what was printed */
};

/* Strings live until it returns. */
typedef void (*junit_case_fn)(const struct junit_case *c, void *data);

struct junit *junit_new(junit_case_fn fn, void *data);

/*
 * The next piece. ERR_INVALID: no XML, not of JUnit, or with entities, ERR_LIMIT: too
 * large or deep; of both the message says where. Cases that came before it were told, and
 * no more may be added.
 */
MUST_CHECK int junit_add(
    struct junit *j, const char *bytes, size_t len, struct error *err);
/* It ends here. */
MUST_CHECK int junit_end(struct junit *j, struct error *err);
void junit_free(struct junit *j); /* NULL is fine */
DEFINE_CLEANUP(junit, struct junit, junit_free)
#define cleanup_junit __attribute__((cleanup(junit_cleanup)))

#endif
