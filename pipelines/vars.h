/*
 * CI variables with their precedence. A scope holds its own variables and may stand on
 * a parent scope (project and event variables below, a job's above), so that thousands
 * of jobs share what they have in common. Lookup: the highest level wins, wherever it
 * is; at one level the newer scope, and in it the later definition, wins.
 * Source: gitlab-ci-language.md section 8.
 */
#ifndef PIPELINES_VARS_H
#define PIPELINES_VARS_H

#include "base/arena.h"
#include "base/error.h"

/* Low to high. */
enum var_level {
	VAR_PREDEFINED,
	VAR_YAML,     /* top-level `variables` */
	VAR_WORKFLOW, /* workflow:rules:variables */
	VAR_JOB,
	VAR_MATRIX,
	VAR_RULE,   /* rules:variables of the job */
	VAR_DOTENV, /* of earlier jobs */
	VAR_INSTANCE,
	VAR_GROUP,
	VAR_PROJECT,
	VAR_PIPELINE, /* trigger, schedule, run form, -v K=V */
};

struct var {
	const char *name, *value;
	enum var_level level;
	bool raw;          /* expand: false */
	bool file;         /* the job sees the path of a file that holds the value */
	bool masked;       /* hidden in logs */
	bool is_protected; /* for protected refs only */
	const char *environment_scope; /* NULL or "*": every environment */
};

bool var_fits_everywhere(const struct var *var);

struct vars_slot;

struct vars {
	const struct vars *parent;
	struct arena *arena;
	/* Every definition, in order; see vars_get for which one counts. */
	struct var *items;
	size_t count, cap;
	/* Hash table of names, in the arena: the winning item of this scope. */
	struct vars_slot *index;
	size_t index_size;
};

/* name and value are copied into the arena. parent may be NULL and must outlive the
 * scope. */
void vars_init(struct vars *v, struct arena *arena, const struct vars *parent);
void vars_clear(struct vars *v); /* forgets everything; the memory is the arena's */
void vars_set(struct vars *v, const struct var *var);
void vars_set_str(
    struct vars *v, enum var_level level, const char *name, const char *value);
const struct var *vars_get(const struct vars *v, const char *name); /* NULL: undefined */
const char *vars_value(const struct vars *v, const char *name);     /* NULL: undefined */

/* The same for a name of len bytes within a text. */
const struct var *vars_find(const struct vars *v, const char *name, size_t len);

/* Each visible variable once (the winner of its name), in a stable order. out is an arena
 * array. */
size_t vars_all(const struct vars *v, struct arena *a, const struct var ***out);

/* [A-Za-z_][A-Za-z0-9_]* */
bool vars_is_name(const char *name, size_t len);

/*
 * `$name`, `${name}`, `%name%` replaced by raw values, once, not recursively; unknown
 * references stay as written; `$$` gives `$`. The server's expansion of a keyword's
 * value.
 */
const char *vars_expand(const struct vars *v, struct arena *a, const char *text);

/* As the runner expands image, cache:key, artifacts:paths …: unknown references are
 * empty. */
const char *vars_expand_runner(const struct vars *v, struct arena *a, const char *text);

/*
 * The values a job gets: every visible variable with references in values expanded
 * recursively. Left as written, for the runner's own pass: raw values, references to
 * raw and file variables (their content must not be expanded again), unknown ones and
 * `$$`. A variable that refers to itself means the definition it overrides. A cycle of
 * several is ERR_INVALID and names them; what grows beyond VARS_MAX_… is ERR_LIMIT.
 */
#define VARS_MAX_VALUE ((size_t)1024 * 1024)     /* bytes of one expanded value */
#define VARS_MAX_TOTAL ((size_t)8 * 1024 * 1024) /* bytes of all that were expanded */
MUST_CHECK int vars_resolve(const struct vars *v, struct arena *a, struct var **out,
    size_t *count, struct error *err);

#define cleanup_vars __attribute__((cleanup(vars_clear)))

#endif
