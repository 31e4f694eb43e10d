/*
 * Checked values out of nodes. Every reader of a value has one type, value_fn, so that
 * the keywords of the language can be tables: a row names a key, the function that
 * reads it, and where the result goes. A value that does not fit gives a finding and
 * leaves its target alone, so that several mistakes are found in one pass.
 *
 * A null counts as "not given" and never reaches a value_fn from a table. A `!reference`
 * that could not be resolved (fragments) is taken as right.
 */
#ifndef PIPELINES_VALUE_H
#define PIPELINES_VALUE_H

#include "base/map.h"
#include "pipelines/config.h"
#include "pipelines/node.h"

#define VALUE_MAX_NESTING 10 /* lists in lists; GitLab's limit */
#define VALUE_MAX_PATH 24

/* What one pass over a document carries along. Caller's storage; see value_reader_init.
 */
struct reader {
	struct arena *arena;
	struct diags *diags;
	bool shape_only;
	const char *job;                  /* whom findings are about; NULL: no job */
	const char *path[VALUE_MAX_PATH]; /* "artifacts", "paths": where we are */
	size_t depth;
	struct map said; /* findings made, so that a shared value is reported once */
};

/* out points to what the function's comment says; arg is the row's. */
typedef void (*value_fn)(
    struct reader *r, const struct node *n, const void *arg, void *out);

enum value_flag {
	VALUE_REQUIRED = 1, /* a finding when absent or null */
	VALUE_NOT_NULL = 2, /* a finding when written as null */
};

#define VALUE_NOWHERE ((size_t)-1) /* checked, not kept */

struct value_field {
	const char *name;
	value_fn read;
	size_t offset; /* of the target in the struct that value_map fills */
	const void *arg;
	unsigned flags; /* enum value_flag */
};

struct value_shape {
	const struct value_field *fields;
	size_t count;
};

#define VALUE_SHAPE(array)                                                               \
	{                                                                                \
		.fields = (array), .count = ARRAY_LEN(array)                             \
	}

struct value_limits {
	size_t min, max; /* number of entries; max 0: any */
};

void value_reader_init(
    struct reader *r, struct arena *arena, struct diags *diags, bool shape_only);
void value_reader_clear(struct reader *r);

/* The sentence starts with the path: "artifacts:paths must be …". */
void value_error(struct reader *r, struct mark at, const char *fmt, ...) PRINTF(3, 4);
/* A finding without the path in front, of a kind and severity. */
void value_report(struct reader *r, enum diag_severity severity, enum diag_kind kind,
    struct mark at, const char *fmt, ...) PRINTF(5, 6);
/* "must be WHAT, not a list" and what to do about it, as far as that can be said. */
void value_expected(struct reader *r, const struct node *n, const char *what);

/* What is done with one entry of a list. */
typedef void (*value_entry_fn)(struct reader *r, const struct node *entry, void *into);

/*
 * Each entry of a list that may hold lists, which are flattened. A `!reference` that is
 * left has no entries here. Lists nested too deep are a finding, and give false.
 */
bool value_each_entry(
    struct reader *r, const struct node *list, value_entry_fn fn, void *into);

/* Whether an entry is a null, which GitLab leaves out of most lists; a warning. */
bool value_is_empty_entry(struct reader *r, const struct node *entry);

void value_enter(struct reader *r, const char *key);
void value_leave(struct reader *r);
/* "artifacts:paths", in the arena. */
const char *value_path(struct reader *r);

/* The candidate that may be meant, also by `Before-Script`; NULL: none is near. */
const char *value_nearest(const char *word, const char *const *candidates);
/* "; did you mean `x`?" in the arena when a candidate is near, else "". */
const char *value_did_you_mean(
    struct reader *r, const char *word, const char *const *candidates);
/* The same with the name of a job or stage: "; did you mean "x"?". */
const char *value_did_you_mean_name(
    struct reader *r, const char *word, const char *const *candidates);
/* "a, b or c" in the arena; the list ends with NULL. */
const char *value_alternatives(struct reader *r, const char *const *words);

/* arg: const struct value_shape *; out: the struct its offsets are of. */
void value_map(struct reader *r, const struct node *n, const void *arg, void *out);

/* out: const char **. A string; a number or boolean is asked to be quoted. */
void value_string(struct reader *r, const struct node *n, const void *arg, void *out);
/* The same, and not blank. */
void value_word(struct reader *r, const struct node *n, const void *arg, void *out);
/* out: const char **. The text of any scalar. */
void value_scalar(struct reader *r, const struct node *n, const void *arg, void *out);
/* arg: words ending with NULL; out: const char ** (the word of the list). */
void value_choice(struct reader *r, const struct node *n, const void *arg, void *out);
/* arg: words in the order of the enum, ending with NULL; out: unsigned enum, int-sized.
 */
void value_enum(struct reader *r, const struct node *n, const void *arg, void *out);
/* out: bool *. */
void value_bool(struct reader *r, const struct node *n, const void *arg, void *out);
/* out: const struct node **. */
void value_node(struct reader *r, const struct node *n, const void *arg, void *out);
/* The same, a map. */
void value_any_map(struct reader *r, const struct node *n, const void *arg, void *out);

/* arg: const struct value_limits * or NULL; out: struct strs *. A list of strings. */
void value_strings(struct reader *r, const struct node *n, const void *arg, void *out);
/* The same, or one string alone. */
void value_one_or_strings(
    struct reader *r, const struct node *n, const void *arg, void *out);
/* The same as value_strings, lists in lists flattened. */
void value_nested_strings(
    struct reader *r, const struct node *n, const void *arg, void *out);
/* arg: words ending with NULL; out: struct strs *. One of the words or a list of them. */
void value_choices(struct reader *r, const struct node *n, const void *arg, void *out);
/* out: struct ints *. One integer or a list of them. */
void value_one_or_ints(
    struct reader *r, const struct node *n, const void *arg, void *out);

struct value_duration {
	bool never;    /* the word `never` is allowed; gives 0 */
	bool variable; /* a text with `$` is allowed; gives 0 */
	bool positive;
	int64_t max_s; /* 0: any */
	const char *max_text;
};

/* arg: const struct value_duration * or NULL; out: int64_t *, seconds. */
void value_duration(struct reader *r, const struct node *n, const void *arg, void *out);
/* The same check; out: const char **, as written. */
void value_duration_text(
    struct reader *r, const struct node *n, const void *arg, void *out);

/* A map of name to scalar, checked only. */
void value_scalar_map(struct reader *r, const struct node *n, const void *arg, void *out);

/* A growing struct strs. */
struct strs_builder {
	struct strs *strs;
	size_t cap;
};

void value_strs_add(struct arena *a, struct strs_builder *b, const char *s);

/* Whether a path in dotted project form: `group/project`, or with a variable. */
bool value_is_project_path(const char *s);

#endif
