/*
 * A pattern is compiled to a list of operations, its states. All states the automaton
 * can be in are advanced together, one character of the path at a time (Thompson's way),
 * so there is no backtracking.
 */
#include "base/glob.h"

#include "base/glob_program.h"

#define SMALL_OPS 192 /* programs up to this size need no heap */

struct glob {
	struct glob_program program;
	size_t literal; /* bytes a path has to begin with */
	char *pattern;
};

/* Bytes at the start that can only fit themselves. */
static size_t
literal_length(const char *pattern, enum glob_kind kind)
{
	return strcspn(pattern, kind == GLOB_INCLUDE ? "*" : "*?[{\\");
}

/* ---- matching -------------------------------------------------------------------- */

/* Is c in the set whose items stand in [s, end)? Ranges by code point. */
static bool
set_has(const char *s, const char *end, uint32_t c)
{
	bool negated = s < end && (*s == '!' || *s == '^');
	bool found = false;

	if (negated)
		s++;
	while (s < end) {
		uint32_t low, high;

		if (*s == '\\' && s + 1 < end)
			s++;
		low = high = glob_next_char(&s);
		if (s + 1 < end && *s == '-') {
			s++;
			if (*s == '\\' && s + 1 < end)
				s++;
			high = glob_next_char(&s);
		}
		found = found || (low <= c && c <= high);
	}
	return found != negated;
}

/* The states of one moment: a list without repeats. */
struct states {
	uint32_t *items;
	size_t count;
};

struct walk {
	const struct glob_program *p;
	struct states now, next;
	uint32_t *seen; /* by state: the moment it was last added */
	uint32_t moment;
};

static void
add_state(struct walk *w, struct states *to, size_t state)
{
	if (w->seen[state] == w->moment)
		return;
	w->seen[state] = w->moment;
	to->items[to->count++] = (uint32_t)state;
}

/* Nothing but jumps between a state and the end of the pattern. */
static bool
leads_to_end(const struct glob_program *p, size_t state)
{
	while (p->ops[state].kind == OP_JUMP)
		state = p->ops[state].arg;
	return p->ops[state].kind == OP_FITS;
}

/* A slash that a tail follows may be left out together with it: state is the op of the
 * tail before the slash. */
static bool
tail_may_be_absent(const struct glob_program *p, size_t state)
{
	return leads_to_end(p, state + 3);
}

/* Add what can be reached without reading a character; true when that is the end. */
static bool
close_states(struct walk *w, struct states *set, bool part_starts)
{
	bool fits = false;

	for (size_t i = 0; i < set->count; i++) {
		size_t at = set->items[i];
		const struct glob_op *op = &w->p->ops[at];

		switch ((enum glob_op_kind)op->kind) {
		case OP_SPLIT:
			add_state(w, set, at + 1);
			add_state(w, set, op->arg);
			break;
		case OP_JUMP:
			add_state(w, set, op->arg);
			break;
		case OP_STAR:
		case OP_ALL:
			add_state(w, set, at + 1);
			break;
		case OP_TAIL:
			add_state(w, set, at + 1);
			fits = fits || (op->arg == 1 && tail_may_be_absent(w->p, at));
			break;
		case OP_DIRS:
			add_state(w, set, part_starts ? at + 4 : at + 2);
			break;
		case OP_FITS:
			fits = true;
			break;
		case OP_CHAR:
		case OP_ANY:
		case OP_SET:
		case OP_IN_DIR:
		case OP_NEVER:
			break;
		}
	}
	return fits;
}

/* Where the state at goes when it reads c. */
static void
step_state(struct walk *w, size_t at, uint32_t c, bool part_starts)
{
	const struct glob_program *p = w->p;
	const struct glob_op *op = &p->ops[at];

	switch ((enum glob_op_kind)op->kind) {
	case OP_CHAR:
		if (op->arg == c)
			add_state(w, &w->next, at + 1);
		break;
	case OP_ANY:
		if (c != '/')
			add_state(w, &w->next, at + 1);
		break;
	case OP_SET:
		if (c != '/' && set_has(p->pattern + op->arg, p->pattern + op->end, c))
			add_state(w, &w->next, at + 1);
		break;
	case OP_STAR:
		if (c != '/')
			add_state(w, &w->next, at);
		break;
	case OP_ALL:
		add_state(w, &w->next, at);
		break;
	case OP_TAIL: /* in the middle of a pattern it is a star */
		if (op->arg == 0 && (c != '/' || leads_to_end(p, at + 1)))
			add_state(w, &w->next, at);
		break;
	case OP_DIRS:
		if (part_starts)
			add_state(w, &w->next, c == '/' ? at : at + 1);
		break;
	case OP_IN_DIR:
		add_state(w, &w->next, c == '/' ? at - 1 : at);
		break;
	case OP_SPLIT:
	case OP_JUMP:
	case OP_NEVER:
	case OP_FITS:
		break;
	}
}

/* memory: room for three numbers per operation, zeroed. */
static bool
run(const struct glob_program *p, const char *path, uint32_t *memory)
{
	struct walk w = { .p = p,
		.now = { memory, 0 },
		.next = { memory + p->count, 0 },
		.seen = memory + 2 * p->count,
		.moment = 1 };
	bool part_starts = true;
	bool fits;

	add_state(&w, &w.now, 0);
	fits = close_states(&w, &w.now, true);
	while (*path != '\0' && w.now.count > 0) {
		uint32_t c = glob_next_char(&path);
		struct states old = w.now;

		w.moment++;
		for (size_t i = 0; i < old.count; i++)
			step_state(&w, old.items[i], c, part_starts);
		part_starts = c == '/';
		fits = close_states(&w, &w.next, part_starts);
		w.now = w.next;
		w.next = (struct states){ old.items, 0 };
	}
	return *path == '\0' && w.now.count > 0 && fits;
}

static bool
run_program(const struct glob_program *p, const char *path)
{
	uint32_t small[3 * SMALL_OPS];
	cleanup_free uint32_t *large = NULL;

	if (p->count > SMALL_OPS) {
		large = xcalloc(p->count, 3 * sizeof(*large));
		return run(p, path, large);
	}
	memset(small, 0, 3 * p->count * sizeof(*small));
	return run(p, path, small);
}

/* ---- what others call ------------------------------------------------------------- */

struct glob *
glob_new(const char *pattern, enum glob_kind kind)
{
	struct glob *g = xcalloc(1, sizeof(*g));
	struct glob_program *p = &g->program;

	g->pattern = xstrdup(pattern);
	g->literal = literal_length(pattern, kind);
	p->pattern = g->pattern;
	p->kind = kind;
	p->cap = glob_program_size(strlen(pattern));
	p->ops = xcalloc(p->cap, sizeof(*p->ops));
	glob_compile(p);
	return g;
}

void
glob_free(struct glob *g)
{
	if (g == NULL)
		return;
	free(g->program.ops);
	free(g->pattern);
	free(g);
}

bool
glob_fits(const struct glob *g, const char *path)
{
	/* the slash of a trailing slash and two stars is the one literal that may miss */
	size_t must = g->literal > 0 && g->pattern[g->literal - 1] == '/' ? g->literal - 1
									  : g->literal;

	if (strncmp(g->pattern, path, must) != 0)
		return false;
	return run_program(&g->program, path);
}

static bool
match(const char *pattern, const char *path, enum glob_kind kind)
{
	struct glob_op small[SMALL_OPS];
	size_t literal = literal_length(pattern, kind);
	struct glob_program p = { .pattern = pattern, .kind = kind, .ops = small };

	if (pattern[literal] == '\0')
		return strcmp(pattern, path) == 0;
	if (literal > 0 && strncmp(pattern, path, literal - 1) != 0)
		return false;
	p.cap = glob_program_size(strlen(pattern));
	if (p.cap > SMALL_OPS) {
		cleanup_glob struct glob *g = glob_new(pattern, kind);

		return glob_fits(g, path);
	}
	glob_compile(&p);
	return run_program(&p, path);
}

bool
glob_match(const char *pattern, const char *path)
{
	return match(pattern, path, GLOB_FNMATCH);
}

bool
glob_match_doublestar(const char *pattern, const char *path)
{
	return match(pattern, path, GLOB_DOUBLESTAR);
}

bool
glob_match_include(const char *pattern, const char *path)
{
	return match(pattern, path, GLOB_INCLUDE);
}

static const char *const never_reasons[] = {
	[NEVER_TOO_LONG] = "it is longer than 4096 bytes",
	[NEVER_TOO_DEEP] = "braces are nested more than 32 deep",
	[NEVER_OPEN_BRACE] = "a \"{\" has no \"}\"",
	[NEVER_OPEN_SET] = "a \"[\" has no \"]\"",
};

int
glob_check(const char *pattern, enum glob_kind kind, struct error *err)
{
	cleanup_glob struct glob *g = NULL;

	g = glob_new(pattern, kind);
	for (size_t i = 0; i < g->program.count; i++) {
		const struct glob_op *op = &g->program.ops[i];

		if (op->kind == OP_NEVER)
			return error_set(err, ERR_INVALID,
			    "pattern \"%.100s\" fits no path: %s", pattern,
			    never_reasons[op->arg]);
	}
	return 0;
}

bool
glob_is_literal(const char *pattern)
{
	return pattern[literal_length(pattern, GLOB_FNMATCH)] == '\0';
}

size_t
glob_literal_prefix(const char *pattern)
{
	size_t len = literal_length(pattern, GLOB_FNMATCH);

	if (pattern[len] == '\0')
		return len;
	while (len > 0 && pattern[len - 1] != '/')
		len--;
	return len;
}
