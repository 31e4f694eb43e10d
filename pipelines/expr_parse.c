/* Expressions: from text to tokens, from tokens to a tree. */
#include "base/str.h"
#include "pipelines/expr_tree.h"

/* ---- tokens -------------------------------------------------------------------------
 */

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t
word_length(const char *s)
{
	size_t len = 0;

	while (is_word(s[len]))
		len++;
	return len;
}

static const struct {
	const char *text;
	enum expr_kind kind;
} operators[] = {
	{ "(", EXPR_OPEN },
	{ ")", EXPR_CLOSE },
	{ "==", EXPR_EQUAL },
	{ "=~", EXPR_MATCH },
	{ "!=", EXPR_NOT_EQUAL },
	{ "!~", EXPR_NOT_MATCH },
	{ "!", EXPR_NOT },
	{ "&&", EXPR_AND },
	{ "||", EXPR_OR },
};

static const struct {
	const char *text;
	enum expr_kind kind;
} keywords[] = {
	{ "null", EXPR_NULL },
	{ "true", EXPR_TRUE },
	{ "false", EXPR_FALSE },
};

/* What people write instead, and what they mean. */
static const struct {
	const char *text, *hint;
} mistakes[] = {
	{ "${", "; a variable is written $NAME, without braces" },
	{ "and", "; write && for it" },
	{ "or", "; write || for it" },
	{ "not", "; write ! for it" },
	{ "=", "; write == to compare" },
	{ "&", "; write && for \"and\"" },
	{ "|", "; write || for \"or\"" },
	{ "NULL", "; it is null, in small letters" },
	{ "nil", "; it is null" },
	{ "/",
	    "; a pattern has at least two characters between its slashes, and only the "
	    "flags i, s, m and U behind them" },
	{ "\"", "; the closing quote is missing" },
	{ "'", "; the closing quote is missing" },
};

static int
refuse(const char *whole, const char *at, struct error *err)
{
	size_t word = word_length(at);
	size_t len = word > 0 ? word : 1;
	const char *hint = word > 0 ? "; a text needs quotes, a variable a $" : "";

	while ((at[len] & 0xc0) == 0x80) /* not half a character */
		len++;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		const char *mistake = mistakes[i].text;

		if (str_starts(at, mistake) && (word == 0 || word == strlen(mistake))) {
			hint = mistakes[i].hint;
			break;
		}
	}
	return error_set(err, ERR_INVALID,
	    "invalid expression syntax: unexpected \"%.*s\" at character %zu%s",
	    (int)(len > 40 ? 40 : len), at, (size_t)(at - whole) + 1, hint);
}

static void
finish(struct expr_token *token, enum expr_kind kind, const char *text, size_t len,
    const char *end)
{
	token->kind = kind;
	token->text = text;
	token->len = len;
	token->length = (size_t)(end - token->start);
}

/* "…" or '…', on one line, no escapes. */
static bool
scan_string(struct expr_token *token, const char *s)
{
	const char *close = s + 1 + strcspn(s + 1, *s == '"' ? "\"\n" : "'\n");

	if (*close != *s)
		return false;
	finish(token, EXPR_STRING, s + 1, (size_t)(close - s) - 1, close + 1);
	return true;
}

/* $[[ inputs.NAME ]] */
static bool
scan_input(struct expr_token *token, const char *s)
{
	const char *name, *end;

	for (s += 3; is_space(*s); s++)
		;
	if (!str_starts(s, "inputs."))
		return false;
	name = end = s + strlen("inputs.");
	while (is_word(*end) || *end == '-')
		end++;
	for (s = end; is_space(*s); s++)
		;
	if (end == name || !str_starts(s, "]]"))
		return false;
	finish(token, EXPR_INPUT, name, (size_t)(end - name), s + 2);
	return true;
}

/* /…/flags: up to the first slash without a backslash; two characters at least. */
static bool
scan_pattern(struct expr_token *token, const char *s)
{
	const char *close = s + 1;
	size_t flags;

	while (*close != '\0' && (*close != '/' || close[-1] == '\\'))
		close++;
	if (*close == '\0' || close - s < 3)
		return false;
	flags = strspn(close + 1, "ismU");
	if (!regex_parse_flags(close + 1, flags, &token->flags))
		return false;
	finish(token, EXPR_PATTERN, s + 1, (size_t)(close - s) - 1, close + 1 + flags);
	return true;
}

static bool
scan_keyword(struct expr_token *token, const char *s)
{
	size_t len = word_length(s);

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (strlen(keywords[i].text) == len &&
		    strncmp(s, keywords[i].text, len) == 0) {
			finish(token, keywords[i].kind, s, len, s + len);
			return true;
		}
	return false;
}

static bool
scan_operator(struct expr_token *token, const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (str_starts(s, operators[i].text)) {
			finish(token, operators[i].kind, s, 0,
			    s + strlen(operators[i].text));
			return true;
		}
	return false;
}

int
expr_scan(const char *whole, const char *s, struct expr_token *token, struct error *err)
{
	bool known;

	while (is_space(*s))
		s++;
	*token = (struct expr_token){ .kind = EXPR_END, .start = s };
	if (*s == '\0')
		return 0;
	if (*s == '"' || *s == '\'')
		known = scan_string(token, s);
	else if (str_starts(s, "$[["))
		known = scan_input(token, s);
	else if (*s == '$' && is_word(s[1])) {
		size_t len = word_length(s + 1);

		finish(token, EXPR_VARIABLE, s + 1, len, s + 1 + len);
		known = true;
	} else if (*s == '/')
		known = scan_pattern(token, s);
	else
		known = scan_keyword(token, s) || scan_operator(token, s);
	return known ? 0 : refuse(whole, s, err);
}

/* ---- the tree -------------------------------------------------------------------------
 */

struct parser {
	const char *text;
	struct regex_cache *regexes;
	struct expr_tree *tree;
	struct expr_token next;
	size_t tokens;
	struct error *err;
};

static int
advance(struct parser *p)
{
	int rc = expr_scan(p->text, p->next.start + p->next.length, &p->next, p->err);

	if (rc < 0)
		return rc;
	if (p->next.kind != EXPR_END && ++p->tokens > EXPR_MAX_TOKENS)
		return error_set(p->err, ERR_INVALID,
		    "invalid expression syntax: more than %d parts; split it over several rules",
		    EXPR_MAX_TOKENS);
	return 0;
}

static int
refuse_next(struct parser *p, const char *wanted)
{
	if (p->next.kind == EXPR_END)
		return error_set(p->err, ERR_INVALID,
		    "invalid expression syntax: %s is missing at the end", wanted);
	return error_set(p->err, ERR_INVALID,
	    "invalid expression syntax: %s is missing before \"%.*s\" at character %zu",
	    wanted, (int)(p->next.length > 40 ? 40 : p->next.length), p->next.start,
	    (size_t)(p->next.start - p->text) + 1);
}

static uint8_t
add_node(struct parser *p, const struct expr_token *token, uint8_t left, uint8_t right)
{
	p->tree->nodes[p->tree->count] = (struct expr_node){ *token, left, right };
	return p->tree->count++;
}

/* A wrong pattern is an error of the expression, found before it is ever run. */
static int
check_pattern(struct parser *p)
{
	const struct expr_token *t = &p->next;
	cleanup_regex struct regex *own = NULL;
	struct regex *kept = NULL;
	int rc;

	if (p->regexes != NULL)
		rc =
		    regex_cache_get(p->regexes, t->text, t->len, t->flags, &kept, p->err);
	else
		rc = regex_compile(t->text, t->len, t->flags, &own, p->err);
	if (rc < 0) {
		error_wrap(p->err, "invalid expression syntax");
		return ERR_INVALID;
	}
	return 0;
}

static int parse_or(struct parser *p, uint8_t *out);

static int
parse_parentheses(struct parser *p, uint8_t *out)
{
	if (advance(p) < 0 || parse_or(p, out) < 0)
		return ERR_INVALID;
	if (p->next.kind != EXPR_CLOSE)
		return refuse_next(p, "a closing parenthesis");
	return advance(p);
}

static int
parse_operand(struct parser *p, uint8_t *out)
{
	struct expr_token token = p->next;

	if (token.kind == EXPR_OPEN)
		return parse_parentheses(p, out);
	if (token.kind == EXPR_NOT) {
		uint8_t operand;

		if (advance(p) < 0 || parse_operand(p, &operand) < 0)
			return ERR_INVALID;
		*out = add_node(p, &token, operand, 0);
		return 0;
	}
	if (token.kind > EXPR_PATTERN)
		return refuse_next(p, "a value");
	if (token.kind == EXPR_PATTERN && check_pattern(p) < 0)
		return ERR_INVALID;
	*out = add_node(p, &token, 0, 0);
	return advance(p);
}

/* Operands joined by operators of one precedence, from the left. */
static int
parse_chain(struct parser *p, enum expr_kind first, enum expr_kind last,
    int (*operand)(struct parser *p, uint8_t *out), uint8_t *out)
{
	if (operand(p, out) < 0)
		return ERR_INVALID;
	while (p->next.kind >= first && p->next.kind <= last) {
		struct expr_token token = p->next;
		uint8_t right = 0;

		if (advance(p) < 0 || operand(p, &right) < 0)
			return ERR_INVALID;
		*out = add_node(p, &token, *out, right);
	}
	return 0;
}

static int
parse_comparison(struct parser *p, uint8_t *out)
{
	return parse_chain(p, EXPR_EQUAL, EXPR_NOT_MATCH, parse_operand, out);
}

static int
parse_and(struct parser *p, uint8_t *out)
{
	return parse_chain(p, EXPR_AND, EXPR_AND, parse_comparison, out);
}

static int
parse_or(struct parser *p, uint8_t *out)
{
	return parse_chain(p, EXPR_OR, EXPR_OR, parse_and, out);
}

int
expr_parse(const char *text, struct regex_cache *regexes, struct expr_tree *tree,
    struct error *err)
{
	struct parser p = { .text = text, .regexes = regexes, .tree = tree, .err = err };

	p.next.start = text;
	tree->count = 0;
	if (advance(&p) < 0)
		return ERR_INVALID;
	if (p.next.kind == EXPR_END)
		return error_set(
		    err, ERR_INVALID, "invalid expression syntax: it is empty");
	if (parse_or(&p, &tree->root) < 0)
		return ERR_INVALID;
	if (p.next.kind != EXPR_END)
		return refuse_next(&p, "an operator");
	return 0;
}
