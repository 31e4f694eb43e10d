/* Durations: numbers and units one after the other, added up. */
#include "pipelines/duration.h"

#include <stdio.h>
#include <strings.h>

#define MINUTE 60.0
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct {
	const char *name;
	double seconds;
} units[] = {
	{ "s", 1 },
	{ "sec", 1 },
	{ "secs", 1 },
	{ "second", 1 },
	{ "seconds", 1 },
	{ "m", MINUTE },
	{ "min", MINUTE },
	{ "mins", MINUTE },
	{ "minute", MINUTE },
	{ "minutes", MINUTE },
	{ "h", HOUR },
	{ "hr", HOUR },
	{ "hrs", HOUR },
	{ "hour", HOUR },
	{ "hours", HOUR },
	{ "d", DAY },
	{ "dy", DAY },
	{ "day", DAY },
	{ "days", DAY },
	{ "w", 7 * DAY },
	{ "wk", 7 * DAY },
	{ "wks", 7 * DAY },
	{ "week", 7 * DAY },
	{ "weeks", 7 * DAY },
	{ "mo", 30 * DAY },
	{ "mos", 30 * DAY },
	{ "month", 30 * DAY },
	{ "months", 30 * DAY },
	{ "y", 365.25 * DAY },
	{ "yr", 365.25 * DAY },
	{ "yrs", 365.25 * DAY },
	{ "year", 365.25 * DAY },
	{ "years", 365.25 * DAY },
};

static const struct {
	const char *name;
	unsigned value;
} number_words[] = {
	{ "a", 1 },
	{ "an", 1 },
	{ "zero", 0 },
	{ "one", 1 },
	{ "two", 2 },
	{ "three", 3 },
	{ "four", 4 },
	{ "five", 5 },
	{ "six", 6 },
	{ "seven", 7 },
	{ "eight", 8 },
	{ "nine", 9 },
	{ "ten", 10 },
	{ "eleven", 11 },
	{ "twelve", 12 },
	{ "thirteen", 13 },
	{ "fourteen", 14 },
	{ "fifteen", 15 },
	{ "sixteen", 16 },
	{ "seventeen", 17 },
	{ "eighteen", 18 },
	{ "nineteen", 19 },
	{ "twenty", 20 },
	{ "thirty", 30 },
	{ "forty", 40 },
	{ "fifty", 50 },
	{ "sixty", 60 },
	{ "seventy", 70 },
	{ "eighty", 80 },
	{ "ninety", 90 },
};

static const char *const fillers[] = { "and", "with", "plus" };

struct parser {
	double total;
	double number; /* waits for its unit */
	bool has_number;
	bool in_words;    /* it is made of words: "twenty" may be followed by "five" */
	bool has_counted; /* so a unit without a number ("day") is a mistake */
};

static bool
word_is(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(word, name, len) == 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Adds what waits: a bare number is seconds. */
static void
flush(struct parser *p, double unit)
{
	p->total += p->number * unit;
	p->has_number = p->in_words = false;
	p->has_counted = true;
}

static bool
take_unit(struct parser *p, const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!word_is(word, len, units[i].name))
			continue;
		if (!p->has_number && p->has_counted)
			return false; /* "1 hour minutes" */
		if (!p->has_number)
			p->number = 1; /* "day" is one day */
		flush(p, units[i].seconds);
		return true;
	}
	return false;
}

static bool
take_number_word(struct parser *p, const char *word, size_t len)
{
	if (word_is(word, len, "hundred") && p->in_words) {
		p->number *= 100;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(number_words); i++) {
		if (!word_is(word, len, number_words[i].name))
			continue;
		if (p->has_number && !p->in_words)
			return false;
		p->number = (p->has_number ? p->number : 0) + number_words[i].value;
		p->has_number = p->in_words = true;
		return true;
	}
	return false;
}

static bool
take_word(struct parser *p, const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(fillers); i++)
		if (word_is(word, len, fillers[i]))
			return true;
	return take_unit(p, word, len) || take_number_word(p, word, len);
}

/* Digits, a point, digits: never strtod(), which knows locales, "inf" and "0x". */
static const char *
take_number(struct parser *p, const char *s)
{
	double value = 0, place = 1;

	for (; is_digit(*s); s++)
		value = value * 10 + (*s - '0');
	if (*s == '.' && is_digit(s[1]))
		for (s++; is_digit(*s); s++) {
			place /= 10;
			value += place * (*s - '0');
		}
	if (p->has_number) /* "1 30m": the first one has no unit */
		return NULL;
	p->number = value;
	p->has_number = true;
	return s;
}

/* 4:20 or 1:30:00, days may stand before: the whole text, or false. */
static bool
parse_clock(const char *text, double *total)
{
	static const double places[] = { 1, MINUTE, HOUR, DAY };
	double parts[ARRAY_LEN(places)];
	size_t count = 0;

	for (;; text++) {
		struct parser p = { .has_number = false };

		if (!is_digit(*text) || count == ARRAY_LEN(parts))
			return false;
		text = take_number(&p, text);
		parts[count++] = p.number;
		if (*text != ':')
			break;
	}
	if (count < 2 || *text != '\0')
		return false;
	*total = 0;
	for (size_t i = 0; i < count; i++)
		*total += parts[i] * places[count - 1 - i];
	return true;
}

static bool
parse_words(const char *s, double *total)
{
	struct parser p = { .has_number = false };

	while (*s != '\0') {
		size_t len = 0;

		if (*s == ' ' || *s == ',' || (*s >= '\t' && *s <= '\r')) {
			s++;
		} else if (is_digit(*s) || (*s == '.' && is_digit(s[1]))) {
			s = take_number(&p, s);
			if (s == NULL)
				return false;
		} else {
			while (is_letter(s[len]))
				len++;
			if (len == 0 || !take_word(&p, s, len))
				return false;
			s += len;
		}
	}
	if (p.has_number)
		flush(&p, 1);
	*total = p.total;
	return true;
}

int
duration_parse(const char *text, int64_t *seconds, struct error *err)
{
	double total = 0;

	if (!parse_clock(text, &total) && !parse_words(text, &total))
		return error_set(err, ERR_INVALID,
		    "should be a duration such as \"1h 30m\", not \"%.60s\"", text);
	if (!(total <= (double)DURATION_MAX_S))
		return error_set(err, ERR_INVALID,
		    "should be a duration; \"%.60s\" is more than a thousand years",
		    text);
	if (total < 1)
		return error_set(err, ERR_INVALID,
		    "should be a duration; \"%.60s\" is less than a second", text);
	*seconds = (int64_t)total;
	return 0;
}

bool
duration_is_never(const char *text)
{
	return strcasecmp(text, "never") == 0;
}

const char *
duration_format(int64_t seconds, char out[DURATION_TEXT_MAX])
{
	static const struct {
		const char *name;
		int64_t seconds;
	} parts[] = { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 } };
	size_t len = 0;

	if (seconds < 0)
		seconds = 0;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int64_t n = seconds / parts[i].seconds;

		seconds %= parts[i].seconds;
		if (n > 0)
			len += (size_t)snprintf(out + len, DURATION_TEXT_MAX - len,
			    "%s%" PRId64 "%s", len > 0 ? " " : "", n, parts[i].name);
	}
	if (len == 0)
		(void)snprintf(out, DURATION_TEXT_MAX, "0s");
	return out;
}
