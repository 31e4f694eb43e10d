/*
 * RE2's syntax, read one item at a time: most is copied, what only PCRE2 would
 * understand is refused, and the few things both understand differently are rewritten.
 */
#include "base/regex_re2.h"

struct scanner {
	const char *start, *at, *end;
	struct buf *out;
	struct error *err;
	bool repeatable; /* the last item may get a quantifier */
	bool repeated;   /* the last item was one */
	bool in_set;
};

static int
refuse(const struct scanner *s, const char *where, const char *what)
{
	return error_set(s->err, ERR_INVALID,
	    "%s at offset %zu of the regular expression", what,
	    (size_t)(where - s->start));
}

static int
refuse_feature(const struct scanner *s, const char *where, const char *what)
{
	return error_set(s->err, ERR_INVALID,
	    "%s at offset %zu of the regular expression: RE2, the language of GitLab's "
	    "patterns, does not have it",
	    what, (size_t)(where - s->start));
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void
copy(struct scanner *s, size_t len)
{
	buf_add(s->out, s->at, len);
	s->at += len;
}

static bool
rest_starts(const struct scanner *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return (size_t)(s->end - s->at) >= len && memcmp(s->at, prefix, len) == 0;
}

/* ---- backslashes ------------------------------------------------------------------ */

/* \Q…\E: everything between is itself. */
static int
scan_quoted(struct scanner *s)
{
	const char *close = memmem(s->at, (size_t)(s->end - s->at), "\\E", 2);

	copy(s, close == NULL ? (size_t)(s->end - s->at) : (size_t)(close + 2 - s->at));
	return 0;
}

/* A digit: \0 and \1 to \7 with a second octal digit are characters. */
static int
scan_octal(struct scanner *s)
{
	size_t len = 1;
	unsigned value = 0;

	if (s->at[1] != '0' &&
	    (!is_octal(s->at[1]) || s->end - s->at < 3 || !is_octal(s->at[2])))
		return refuse_feature(s, s->at, "back-reference");
	for (; len < 4 && s->at + len < s->end && is_octal(s->at[len]); len++)
		value = value * 8 + (unsigned)(s->at[len] - '0');
	buf_printf(s->out, "\\x{%x}", value);
	s->at += len;
	return 0;
}

/* What PCRE2 would take for something else, or for more than RE2 does. */
static const struct {
	char letter;
	const char *outside, *in_set;
} rewritten[] = {
	{ 'v', "\\x0b", "\\x0b" }, { 's', "[\\t\\n\\f\\r ]", "\\t\\n\\f\\r " },
	{ 'S', "[^\\t\\n\\f\\r ]", NULL }, /* in a set: no short form, PCRE2's is near */
};

static bool
scan_rewritten(struct scanner *s)
{
	for (size_t i = 0; i < ARRAY_LEN(rewritten); i++) {
		const char *text = s->in_set ? rewritten[i].in_set : rewritten[i].outside;

		if (rewritten[i].letter != s->at[1] || text == NULL)
			continue;
		buf_add_str(s->out, text);
		s->at += 2;
		if (s->in_set && s->at[-1] == 's' && rest_starts(s, "-")) {
			buf_add_str(
			    s->out, "\\-"); /* of no range: \s is many characters */
			s->at++;
		}
		return true;
	}
	return false;
}

/* \x7f, \x{10ffff}, \pL, \p{Greek}: what is in the braces belongs to it. */
static int
scan_with_argument(struct scanner *s)
{
	const char *where = s->at;
	bool hex = s->at[1] == 'x';
	size_t len = hex ? 2 : 1;

	copy(s, 2);
	if (s->at < s->end && *s->at == '{') {
		const char *close = memchr(s->at, '}', (size_t)(s->end - s->at));

		if (close == NULL)
			return refuse(s, where, "a \"{\" without its \"}\"");
		copy(s, (size_t)(close + 1 - s->at));
		return 0;
	}
	for (size_t i = 0; i < len; i++)
		if (s->at + i >= s->end || (hex && !is_hex(s->at[i])))
			return refuse(s, where, "an incomplete escape");
	copy(s, len);
	return 0;
}

static int
scan_backslash(struct scanner *s)
{
	char c;

	s->repeatable = true;
	if (s->end - s->at < 2)
		return refuse(s, s->at, "nothing follows the backslash");
	c = s->at[1];
	if (c == 'Q')
		return scan_quoted(s);
	if (is_digit(c))
		return scan_octal(s);
	if (scan_rewritten(s))
		return 0;
	if (c == 'x' || c == 'p' || c == 'P')
		return scan_with_argument(s);
	if (is_letter(c) &&
	    strchr(s->in_set ? "aftnrdDSwW" : "aftnrdDwWAbBz", c) == NULL) {
		char what[] = { '\\', c, '\0' };

		return refuse_feature(s, s->at, what);
	}
	copy(s, 2);
	return 0;
}

/* ---- sets, groups, quantifiers ------------------------------------------------------
 */

/* [...]: a bracket right at the start is itself; [:alpha:] has its own. */
static int
scan_set(struct scanner *s)
{
	const char *open = s->at;

	copy(s, 1);
	if (s->at < s->end && *s->at == '^')
		copy(s, 1);
	if (s->at < s->end && *s->at == ']')
		copy(s, 1);
	s->in_set = true;
	while (s->at < s->end && *s->at != ']') {
		const char *close = NULL;
		int rc = 0;

		if (rest_starts(s, "[:"))
			close = memmem(s->at, (size_t)(s->end - s->at), ":]", 2);
		if (close != NULL)
			copy(s, (size_t)(close + 2 - s->at));
		else if (*s->at == '\\')
			rc = scan_backslash(s);
		else if (*s->at == '[') { /* PCRE2 sees more in [= and [. than RE2 */
			buf_add_str(s->out, "\\[");
			s->at++;
		} else
			copy(s, 1);
		if (rc < 0)
			return rc;
	}
	s->in_set = false;
	if (s->at == s->end)
		return refuse(s, open, "a \"[\" without its \"]\"");
	copy(s, 1);
	s->repeatable = true;
	return 0;
}

static const struct {
	const char *start, *name;
} foreign_groups[] = {
	{ "(?=", "look-ahead" },
	{ "(?!", "look-ahead" },
	{ "(?<=", "look-behind" },
	{ "(?<!", "look-behind" },
	{ "(?>", "atomic group" },
	{ "(?|", "branch reset" },
	{ "(?#", "comment" },
	{ "(?(", "condition" },
	{ "(?C", "callout" },
	{ "(?R", "recursion" },
	{ "(?&", "recursion" },
	{ "(?+", "recursion" },
	{ "(?P>", "recursion" },
	{ "(?P=", "back-reference" },
	{ "(?'", "group named with quotes" },
	{ "(*", "verb" },
};

/* The letters of (?i), (?s-m:…). */
static int
scan_group_flags(struct scanner *s, const char *open)
{
	const char *first = s->at;

	while (s->at < s->end && strchr("imsU-", *s->at) != NULL)
		s->at++;
	if (s->at == s->end || s->at == first || (*s->at != ')' && *s->at != ':'))
		return refuse_feature(s, open, "this kind of group");
	s->repeatable = false;
	s->at = first;
	return 0;
}

static int
scan_group(struct scanner *s)
{
	const char *open = s->at;

	for (size_t i = 0; i < ARRAY_LEN(foreign_groups); i++)
		if (rest_starts(s, foreign_groups[i].start))
			return refuse_feature(s, open, foreign_groups[i].name);
	s->repeatable = false;
	if (!rest_starts(s, "(?") || rest_starts(s, "(?:")) {
		copy(s, rest_starts(s, "(?:") ? 3 : 1);
		return 0;
	}
	if (rest_starts(s, "(?P<") || rest_starts(s, "(?<")) {
		copy(s, s->at[2] == 'P' ? 4 : 3);
		return 0;
	}
	copy(s, 2);
	if (scan_group_flags(s, open) < 0)
		return ERR_INVALID;
	while (*s->at != ')' && *s->at != ':')
		copy(s, 1);
	copy(s, 1); /* the parenthesis of a bare (?i) too: it opens nothing */
	return 0;
}

/* Length of {n}, {n,} or {n,m} at s->at; 0 when the brace is just a brace. */
static size_t
repeat_length(const struct scanner *s)
{
	const char *p = s->at + 1;

	if (p == s->end || !is_digit(*p))
		return 0;
	while (p < s->end && is_digit(*p))
		p++;
	if (p < s->end && *p == ',')
		p++;
	while (p < s->end && is_digit(*p))
		p++;
	return p < s->end && *p == '}' ? (size_t)(p + 1 - s->at) : 0;
}

static int
scan_quantifier(struct scanner *s, size_t len)
{
	if (s->repeated && *s->at == '+')
		return refuse_feature(s, s->at, "possessive quantifier");
	if (s->repeated)
		return refuse(s, s->at, "a second quantifier on the same item");
	if (!s->repeatable)
		return refuse(s, s->at, "a quantifier with nothing to repeat");
	if (*s->at == '{') {
		const char *comma = memchr(s->at, ',', len);

		if (strtoul(s->at + 1, NULL, 10) > 1000 ||
		    (comma != NULL && strtoul(comma + 1, NULL, 10) > 1000))
			return refuse(s, s->at, "a repetition of more than 1000");
	}
	copy(s, len);
	if (s->at < s->end && *s->at == '?')
		copy(s, 1);
	s->repeated = true;
	return 0;
}

/* ---- the whole --------------------------------------------------------------------- */

static int
scan_item(struct scanner *s)
{
	size_t repeat = *s->at == '{' ? repeat_length(s) : 0;

	if (repeat > 0 || *s->at == '*' || *s->at == '+' || *s->at == '?')
		return scan_quantifier(s, repeat > 0 ? repeat : 1);
	s->repeated = false;
	switch (*s->at) {
	case '\\':
		return scan_backslash(s);
	case '[':
		return scan_set(s);
	case '(':
		return scan_group(s);
	case '|':
		s->repeatable = false;
		copy(s, 1);
		return 0;
	case '{': /* a plain one; escaped, since PCRE2 knows forms RE2 does not */
		s->repeatable = true;
		s->at++;
		buf_add_str(s->out, "\\{");
		return 0;
	default:
		s->repeatable = true;
		copy(s, 1);
		return 0;
	}
}

int
re2_translate(const char *pattern, size_t len, struct buf *out, struct error *err)
{
	struct scanner s = { .start = pattern,
		.at = pattern,
		.end = pattern + len,
		.out = out,
		.err = err };

	while (s.at < s.end)
		if (scan_item(&s) < 0)
			return ERR_INVALID;
	return 0;
}
