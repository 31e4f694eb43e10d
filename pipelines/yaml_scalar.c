/*
 * Resolving plain scalars by hand-written matchers: most scalars of a pipeline are told
 * to be strings by their first byte.
 */
#include "pipelines/yaml_scalar.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

/* Longer ones stay strings: no number of a pipeline, and converting costs its square. */
#define NUMBER_MAX ((size_t)256)

/* ---- small matchers: each returns where it stopped
 * -----------------------------------*/

static const char *
skip_sign(const char *p)
{
	return *p == '-' || *p == '+' ? p + 1 : p;
}

static const char *
skip_any(const char *p, const char *set)
{
	return p + strspn(p, set);
}

static const char *
skip_digits(const char *p)
{
	return skip_any(p, "0123456789");
}

/* between min and max digits; NULL when there are fewer */
static const char *
skip_count(const char *p, size_t min, size_t max)
{
	size_t n = 0;

	if (p == NULL)
		return NULL;
	while (n < max && isdigit((unsigned char)p[n]))
		n++;
	return n < min ? NULL : p + n;
}

static const char *
skip_char(const char *p, char c)
{
	return p != NULL && *p == c ? p + 1 : NULL;
}

/* ---- words
 * ---------------------------------------------------------------------------*/

static const struct {
	const char *word;
	enum node_kind kind;
	bool value;
} words[] = {
	{ "~", NODE_NULL, false },
	{ "null", NODE_NULL, false },
	{ "yes", NODE_BOOL, true },
	{ "true", NODE_BOOL, true },
	{ "on", NODE_BOOL, true },
	{ "no", NODE_BOOL, false },
	{ "false", NODE_BOOL, false },
	{ "off", NODE_BOOL, false },
};

static bool
resolve_word(struct node *n, const char *text, size_t len)
{
	if (len > 5)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(words[i].word, text) != 0)
			continue;
		n->kind = words[i].kind;
		n->boolean = words[i].value;
		n->text = n->kind == NODE_NULL ? "" : n->boolean ? "true" : "false";
		return true;
	}
	return false;
}

/* ---- integers
 * ------------------------------------------------------------------------*/

/* The digits of text without "," and "_" and without its sign. */
static void
bare_digits(const char *text, char out[NUMBER_MAX + 1])
{
	size_t n = 0;

	for (const char *p = skip_sign(text); *p != '\0'; p++)
		if (*p != ',' && *p != '_')
			out[n++] = *p;
	out[n] = '\0';
}

/* [1-9] then digits, "_" and ","; a separator is followed by a digit */
static bool
is_decimal(const char *p)
{
	if (strcmp(p, "0") == 0)
		return true;
	if (*p < '1' || *p > '9')
		return false;
	for (p++; *p != '\0'; p++) {
		if (*p == ',' && !isdigit((unsigned char)p[1]))
			return false;
		if (*p == '_' && !isdigit((unsigned char)p[1]))
			return false;
		if (*p != ',' && *p != '_' && !isdigit((unsigned char)*p))
			return false;
	}
	return true;
}

/* The base of an integer's text (sign skipped), and where its digits start; 0: none. */
static unsigned
integer_base(const char *p, const char **digits)
{
	*digits = p;
	if (is_decimal(p))
		return 10;
	if (*p != '0' || p[1] == '\0')
		return 0;
	if (p[1] == 'b' || p[1] == 'x') {
		const char *set = p[1] == 'b' ? "01_," : "0123456789abcdefABCDEF_,";

		*digits = p + 2;
		return *skip_any(p + 2, set) == '\0' && p[2] != '\0'
		    ? (p[1] == 'b' ? 2 : 16)
		    : 0;
	}
	return *skip_any(p, "01234567_,") == '\0' ? 8 : 0;
}

/* Digits of any base up to 16 as decimal text, however many: schoolbook. */
static const char *
to_decimal(struct arena *a, const char *digits, unsigned base, bool negative)
{
	unsigned char dec[2 * NUMBER_MAX] = { 0 }; /* lowest first */
	size_t count = 1;
	char text[2 * NUMBER_MAX + 2];
	size_t at = 0;

	for (; *digits != '\0'; digits++) {
		int c = tolower((unsigned char)*digits);
		unsigned carry = (unsigned)(isdigit(c) ? c - '0' : c - 'a' + 10);

		for (size_t i = 0; i < count; i++) {
			carry += dec[i] * base;
			dec[i] = (unsigned char)(carry % 10);
			carry /= 10;
		}
		for (; carry > 0; carry /= 10)
			dec[count++] = (unsigned char)(carry % 10);
	}
	if (negative && !(count == 1 && dec[0] == 0))
		text[at++] = '-';
	while (count > 0)
		text[at++] = (char)('0' + dec[--count]);
	return arena_strndup(a, text, at);
}

static void
set_integer(
    struct arena *a, struct node *n, const char *digits, unsigned base, bool negative)
{
	n->kind = NODE_INT;
	n->text = to_decimal(a, digits, base, negative);
	n->integer =
	    strtoll(n->text, NULL, 10); /* one too large is the nearest there is */
}

static bool
resolve_integer(struct arena *a, struct node *n, const char *text)
{
	char bare[NUMBER_MAX + 1];
	const char *digits;
	unsigned base = integer_base(skip_sign(text), &digits);

	if (base == 0)
		return false;
	bare_digits(digits, bare);
	if (*bare == '\0')
		return false;
	set_integer(a, n, bare, base, *text == '-');
	return true;
}

/* ---- base 60
 * -------------------------------------------------------------------------*/

/* [0-9][0-9_]* then one or two of :[0-5]?[0-9]; NULL when it does not fit */
static const char *
skip_sexagesimal(const char *p)
{
	int parts = 0;

	if (!isdigit((unsigned char)*p))
		return NULL;
	p = skip_any(p, "0123456789_");
	while (*p == ':' && parts < 2) {
		const char *digits = p + 1, *end = skip_count(digits, 1, 2);

		if (end == NULL || (end - digits == 2 && *digits > '5'))
			return NULL;
		p = end;
		parts++;
	}
	return parts > 0 ? p : NULL;
}

/* Hours first, also when there are only two parts; the sign belongs to the hours. */
static double
sexagesimal_value(const char *text)
{
	char bare[NUMBER_MAX + 1];
	double value = 0, unit = 3600;
	char *p = bare;

	bare_digits(text, bare);
	for (bool first = true;; first = false) {
		double part = strtod(p, &p);

		value += (first && *text == '-' ? -part : part) * unit;
		unit /= 60;
		if (*p != ':')
			return value;
		p++;
	}
}

static bool
resolve_sexagesimal(struct arena *a, struct node *n, const char *text)
{
	const char *end = skip_sexagesimal(skip_sign(text));
	double value;

	if (end == NULL || (*end != '\0' && *end != '.') ||
	    (*end == '.' && *skip_any(end + 1, "0123456789_") != '\0'))
		return false;
	value = sexagesimal_value(text);
	if (*end == '.') {
		n->kind = NODE_FLOAT;
		n->real = value;
		n->text = yaml_scalar_print_float(a, value);
		return true;
	}
	if (fabs(value) >= 9e15) /* doubles count no further */
		return false;
	n->kind = NODE_INT;
	n->integer = (int64_t)value;
	n->text = arena_printf(a, "%" PRId64, n->integer);
	return true;
}

/* ---- floats
 * --------------------------------------------------------------------------*/

/* The fewest digits that read back as the same value, as d.ddde±xx. */
static void
shortest(double value, char *out, size_t size)
{
	for (int digits = 0; digits < 17; digits++) {
		(void)snprintf(out, size, "%.*e", digits, value);
		if (strtod(out, NULL) == value)
			return;
	}
}

const char *
yaml_scalar_print_float(struct arena *a, double value)
{
	char text[64], digits[32];
	const char *sign = signbit(value) != 0 ? "-" : "";
	int exponent;
	size_t n = 0;

	if (isnan(value))
		return "NaN";
	if (isinf(value))
		return value > 0 ? "Infinity" : "-Infinity";
	shortest(fabs(value), text, sizeof(text));
	for (const char *p = text; *p != 'e'; p++)
		if (*p != '.')
			digits[n++] = *p;
	digits[n] = '\0';
	exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	if (exponent < -4 || exponent >= 16)
		return arena_printf(a, "%s%c.%se%c%02d", sign, digits[0],
		    n > 1 ? digits + 1 : "0", exponent < 0 ? '-' : '+', abs(exponent));
	if (exponent < 0)
		return arena_printf(a, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
	if ((size_t)exponent + 1 >= n)
		return arena_printf(a, "%s%s%.*s.0", sign, digits, exponent + 1 - (int)n,
		    "0000000000000000");
	return arena_printf(
	    a, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
}

/* [-+]?([0-9][0-9_,]*)?\.[0-9]*([eE][-+][0-9]+)? but for a lone point */
static bool
is_float(const char *p)
{
	const char *start, *exp;

	p = skip_sign(p);
	start = p;
	if (isdigit((unsigned char)*p))
		p = skip_any(p, "0123456789_,");
	if (*p != '.' || (p == start && !isdigit((unsigned char)p[1])))
		return false;
	p = skip_digits(p + 1);
	if (*p != 'e' && *p != 'E')
		return *p == '\0';
	if (p[1] != '-' && p[1] != '+')
		return false;
	exp = p + 2;
	p = skip_digits(exp);
	return p > exp && *p == '\0';
}

static bool
resolve_float(struct arena *a, struct node *n, const char *text)
{
	char bare[NUMBER_MAX + 1];
	const char *unsigned_text = skip_sign(text);

	if (strcasecmp(text, ".nan") == 0) {
		n->real = (double)NAN;
	} else if (strcasecmp(unsigned_text, ".inf") == 0) {
		n->real = *text == '-' ? -HUGE_VAL : HUGE_VAL;
	} else if (is_float(text)) {
		bare_digits(text, bare);
		n->real = strtod(bare, NULL);
		if (*text == '-')
			n->real = -n->real;
	} else {
		return false;
	}
	n->kind = NODE_FLOAT;
	n->text = yaml_scalar_print_float(a, n->real);
	return true;
}

/* ---- all of them
 * ---------------------------------------------------------------------*/

static bool
resolve_number(struct arena *a, struct node *n, const char *text, size_t len)
{
	if (len > NUMBER_MAX)
		return false;
	return resolve_integer(a, n, text) || resolve_float(a, n, text) ||
	    resolve_sexagesimal(a, n, text);
}

void
yaml_scalar_resolve(struct arena *a, struct node *n, const char *text, size_t len)
{
	n->kind = NODE_NULL;
	n->text = "";
	if (len == 0)
		return;
	if (strchr("~yYnNtTfFoO", *text) != NULL) {
		if (resolve_word(n, text, len))
			return;
	} else if (strchr("0123456789+-.", *text) != NULL) {
		if (resolve_number(a, n, text, len))
			return;
	}
	n->kind = NODE_STRING;
	node_set_text(a, n, text, len);
}

/* -?YYYY-M-D, then nothing or T or white space and H:MM:SS */
bool
yaml_scalar_is_date(const char *text)
{
	const char *p = *text == '-' ? text + 1 : text;

	p = skip_count(p, 4, 4);
	p = skip_count(skip_char(p, '-'), 1, 2);
	p = skip_count(skip_char(p, '-'), 1, 2);
	if (p == NULL)
		return false;
	if (*p == '\0')
		return *text != '-';
	if (*p != 'T' && *p != 't' && !isspace((unsigned char)*p))
		return false;
	p = skip_any(p + 1, " \t");
	p = skip_count(skip_char(skip_count(p, 1, 2), ':'), 2, 2);
	return skip_count(skip_char(p, ':'), 2, 2) != NULL;
}
