/* From a glob's text to its states. Braces are jumps. */
#include <assert.h>

#include "base/glob_program.h"

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

uint32_t
glob_next_char(const char **s)
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

static size_t
emit(struct glob_program *p, enum glob_op_kind kind, uint32_t arg)
{
	assert(p->count < p->cap);
	p->ops[p->count] = (struct glob_op){ (uint8_t)kind, arg, 0 };
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
compile_dirs(struct glob_program *p)
{
	emit(p, OP_DIRS, 0);
	emit(p, OP_IN_DIR, 0);
	emit(p, OP_STAR, 0);
	emit(p, OP_CHAR, '/');
}

static const char *
compile_star(struct glob_program *p, const char *s, const char *end)
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
compile_set(struct glob_program *p, const char *s, const char *end)
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

static void compile(
    struct glob_program *p, const char *s, const char *end, unsigned depth);

/* {a,b}: split to each alternative; behind each a jump to what follows. The jumps are
 * chained through their arguments until the end is known. */
static const char *
compile_braces(struct glob_program *p, const char *s, const char *end, unsigned depth)
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
starts_tail(const struct glob_program *p, const char *s, const char *end)
{
	return p->kind == GLOB_DOUBLESTAR && end - s == 3 && memcmp(s, "/**", 3) == 0;
}

static void
compile(struct glob_program *p, const char *s, const char *end, unsigned depth)
{
	while (s < end) {
		if (*s == '*')
			s = compile_star(p, s, end);
		else if (p->kind == GLOB_INCLUDE)
			emit(p, OP_CHAR, glob_next_char(&s));
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
			emit(p, OP_CHAR, glob_next_char(&s));
		}
	}
}

/* Operations a pattern of that length can have: one per byte, one more per slash (its
 * tail) and comma or brace, two stars and a slash make four, and OP_FITS. */
size_t
glob_program_size(size_t len)
{
	return 2 * len + 2;
}

void
glob_compile(struct glob_program *p)
{
	size_t len = strlen(p->pattern);

	p->count = 0;
	if (len > GLOB_MAX_BYTES)
		emit(p, OP_NEVER, NEVER_TOO_LONG);
	else
		compile(p, p->pattern, p->pattern + len, 0);
	emit(p, OP_FITS, 0);
}
