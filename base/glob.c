/*
 * A pattern is compiled to a list of operations, its states. All states the automaton
 * can be in are advanced together, one character of the path at a time (Thompson's way),
 * so there is no backtracking. Braces are jumps.
 */
#include "base/glob.h"

#include <assert.h>

#define SMALL_OPS 192 /* programs up to this size need no heap */

enum op_kind {
	OP_CHAR,   /* this character */
	OP_ANY,    /* any but a slash */
	OP_SET,    /* one out of [...], never a slash */
	OP_STAR,   /* any number of characters but slashes */
	OP_ALL,    /* any number of any characters */
	OP_DIRS,   /* any number of whole folders; four states, see compile_dirs() */
	OP_IN_DIR, /* within one of them */
	OP_TAIL,   /* everything below, and before the slash: only if nothing follows */
	OP_SPLIT,  /* here and at `arg` */
	OP_JUMP,   /* at `arg` */
	OP_NEVER,  /* a dead end; the argument says why */
	OP_FITS,   /* the end of the pattern */
};

enum never { NEVER_TOO_LONG, NEVER_TOO_DEEP, NEVER_OPEN_BRACE, NEVER_OPEN_SET };

struct op {
	uint8_t kind;
	uint32_t arg; /* a character, a target, or where a set begins in the pattern */
	uint32_t end; /* where that set ends: its closing bracket */
};

struct program {
	const char *pattern;
	enum glob_kind kind;
	struct op *ops;
	size_t count, cap;
};

struct glob {
	struct program program;
	size_t literal; /* bytes a path has to begin with */
	char *pattern;
};

/* ---- characters ------------------------------------------------------------------ */

/* Bytes of the character that begins with this one; 0: none does. */
static size_t
char_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The character at *s, which is moved behind it. A byte that is not UTF-8 stands for
 * itself, above all characters. */
static uint32_t
next_char(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	size_t len = char_length(p[0]);
	uint32_t c;

	if (len <= 1) {
		(*s)++;
		return len == 1 ? p[0] : 0x110000u + p[0];
	}
	c = p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			(*s)++;
			return 0x110000u + p[0];
		}
		c = c << 6 | (p[i] & 0x3fu);
	}
	*s += len;
	return c;
}

/* Bytes at the start that can only fit themselves. */
static size_t
literal_length(const char *pattern, enum glob_kind kind)
{
	return strcspn(pattern, kind == GLOB_INCLUDE ? "*" : "*?[{\\");
}

/* ---- compiling ------------------------------------------------------------------- */

static size_t
emit(struct program *p, enum op_kind kind, uint32_t arg)
{
	assert(p->count < p->cap);
	p->ops[p->count] = (struct op){ (uint8_t)kind, arg, 0 };
	return p->count++;
}

/* s stands on "{"; gives the "}" of that same brace, or NULL. */
static const char *
find_brace_end(const char *s, const char *end)
{
	size_t depth = 0;

	for (; s < end; s++) {
		if (*s == '\\' && s + 1 < end)
			s++;
		else if (*s == '{')
			depth++;
		else if (*s == '}' && --depth == 0)
			return s;
	}
	return NULL;
}

static const char *
find_comma(const char *s, const char *end)
{
	size_t depth = 0;

	for (; s < end; s++) {
		if (*s == '\\' && s + 1 < end)
			s++;
		else if (*s == '{')
			depth++;
		else if (*s == '}')
			depth--;
		else if (*s == ',' && depth == 0)
			return s;
	}
	return end;
}

/* s stands behind "[" and, if there is one, the "!" or "^". */
static const char *
find_set_end(const char *s, const char *end)
{
	for (; s < end; s++) {
		if (*s == '\\' && s + 1 < end)
			s++;
		else if (*s == ']')
			return s;
	}
	return NULL;
}

/*
 * "**" and a slash. At the start of a part of the path it is OP_DIRS; elsewhere (which
 * the path decides: `{a/,b}**` with a slash is both) a star and a slash.
 */
static void
compile_dirs(struct program *p)
{
	emit(p, OP_DIRS, 0);
	emit(p, OP_IN_DIR, 0);
	emit(p, OP_STAR, 0);
	emit(p, OP_CHAR, '/');
}

static const char *
compile_star(struct program *p, const char *s, const char *end)
{
	const char *after = s;

	while (after < end && *after == '*')
		after++;
	if (p->kind == GLOB_INCLUDE)
		emit(p, after - s > 1 ? OP_ALL : OP_STAR, 0);
	else if (after - s == 2 && after < end && *after == '/') {
		compile_dirs(p);
		after++;
	} else if (after - s == 2 && p->kind == GLOB_DOUBLESTAR &&
	    (s == p->pattern || s[-1] == '/' || s[-1] == '{' || s[-1] == ','))
		emit(p, OP_TAIL, 0);
	else
		emit(p, OP_STAR, 0);
	return after;
}

static const char *
compile_set(struct program *p, const char *s, const char *end)
{
	const char *items = s + 1;
	const char *close;
	size_t op;

	if (items < end && (*items == '!' || *items == '^'))
		items++;
	close = find_set_end(items, end);
	if (close == NULL || (close == items && p->kind == GLOB_DOUBLESTAR)) {
		emit(p, OP_NEVER, NEVER_OPEN_SET);
		return end;
	}
	op = emit(p, OP_SET, (uint32_t)(s + 1 - p->pattern));
	p->ops[op].end = (uint32_t)(close - p->pattern);
	return close + 1;
}

static void compile(struct program *p, const char *s, const char *end, unsigned depth);

/* {a,b}: split to each alternative; behind each a jump to what follows. The jumps are
 * chained through their arguments until the end is known. */
static const char *
compile_braces(struct program *p, const char *s, const char *end, unsigned depth)
{
	const char *close = find_brace_end(s, end);
	uint32_t chain = UINT32_MAX;

	if (close == NULL || depth == GLOB_MAX_DEPTH) {
		emit(p, OP_NEVER, close == NULL ? NEVER_OPEN_BRACE : NEVER_TOO_DEEP);
		return end;
	}
	while (s < close) {
		const char *comma = find_comma(s + 1, close);
		size_t split = 0;

		if (comma < close)
			split = emit(p, OP_SPLIT, 0);
		compile(p, s + 1, comma, depth + 1);
		chain = (uint32_t)emit(p, OP_JUMP, chain);
		if (comma < close)
			p->ops[split].arg = (uint32_t)p->count;
		s = comma;
	}
	while (chain != UINT32_MAX) {
		uint32_t next = p->ops[chain].arg;

		p->ops[chain].arg = (uint32_t)p->count;
		chain = next;
	}
	return close + 1;
}

/* The slash of a trailing slash and two stars may be missing in the path. */
static bool
starts_tail(const struct program *p, const char *s, const char *end)
{
	return p->kind == GLOB_DOUBLESTAR && end - s == 3 && memcmp(s, "/**", 3) == 0;
}

static void
compile(struct program *p, const char *s, const char *end, unsigned depth)
{
	while (s < end) {
		if (*s == '*')
			s = compile_star(p, s, end);
		else if (p->kind == GLOB_INCLUDE)
			emit(p, OP_CHAR, next_char(&s));
		else if (*s == '?') {
			emit(p, OP_ANY, 0);
			s++;
		} else if (*s == '[')
			s = compile_set(p, s, end);
		else if (*s == '{')
			s = compile_braces(p, s, end, depth);
		else {
			if (starts_tail(p, s, end))
				emit(p, OP_TAIL, 1);
			if (*s == '\\' && s + 1 < end)
				s++;
			emit(p, OP_CHAR, next_char(&s));
		}
	}
}

/* Operations a pattern of that length can have: one per byte, one more per slash (its
 * tail) and comma or brace, two stars and a slash make four, and OP_FITS. */
static size_t
program_size(size_t len)
{
	return 2 * len + 2;
}

static void
compile_program(struct program *p)
{
	size_t len = strlen(p->pattern);

	p->count = 0;
	if (len > GLOB_MAX_BYTES)
		emit(p, OP_NEVER, NEVER_TOO_LONG);
	else
		compile(p, p->pattern, p->pattern + len, 0);
	emit(p, OP_FITS, 0);
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
		low = high = next_char(&s);
		if (s + 1 < end && *s == '-') {
			s++;
			if (*s == '\\' && s + 1 < end)
				s++;
			high = next_char(&s);
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
	const struct program *p;
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
leads_to_end(const struct program *p, size_t state)
{
	while (p->ops[state].kind == OP_JUMP)
		state = p->ops[state].arg;
	return p->ops[state].kind == OP_FITS;
}

/* A slash that a tail follows may be left out together with it: state is the op of the
 * tail before the slash. */
static bool
tail_may_be_absent(const struct program *p, size_t state)
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
		const struct op *op = &w->p->ops[at];

		switch ((enum op_kind)op->kind) {
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
	const struct program *p = w->p;
	const struct op *op = &p->ops[at];

	switch ((enum op_kind)op->kind) {
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
run(const struct program *p, const char *path, uint32_t *memory)
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
		uint32_t c = next_char(&path);
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
run_program(const struct program *p, const char *path)
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
	struct program *p = &g->program;

	g->pattern = xstrdup(pattern);
	g->literal = literal_length(pattern, kind);
	p->pattern = g->pattern;
	p->kind = kind;
	p->cap = program_size(strlen(pattern));
	p->ops = xcalloc(p->cap, sizeof(*p->ops));
	compile_program(p);
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
	struct op small[SMALL_OPS];
	size_t literal = literal_length(pattern, kind);
	struct program p = { .pattern = pattern, .kind = kind, .ops = small };

	if (pattern[literal] == '\0')
		return strcmp(pattern, path) == 0;
	if (literal > 0 && strncmp(pattern, path, literal - 1) != 0)
		return false;
	p.cap = program_size(strlen(pattern));
	if (p.cap > SMALL_OPS) {
		cleanup_glob struct glob *g = glob_new(pattern, kind);

		return glob_fits(g, path);
	}
	compile_program(&p);
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
		const struct op *op = &g->program.ops[i];

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
