#include "base/iso_time.h"

#include <stdio.h>
#include <time.h>

const char *
iso_time_write(char out[ISO_TIME_MAX], int64_t us, bool with_ms)
{
	time_t seconds = (time_t)(us / 1000000);
	char date[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(date, sizeof(date), "%FT%T", &tm) == 0)
		out[0] = '\0';
	else if (with_ms)
		(void)snprintf(
		    out, ISO_TIME_MAX, "%s.%03dZ", date, (int)(us / 1000 % 1000));
	else
		(void)snprintf(out, ISO_TIME_MAX, "%sZ", date);
	return out;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ".123456": in microseconds; what is finer is left out. */
static const char *
read_fraction(const char *at, int64_t *us)
{
	int64_t unit = 100000;

	if (*at != '.' || !is_digit(at[1]))
		return at;
	while (is_digit(*++at)) {
		*us += (*at - '0') * unit;
		unit /= 10;
	}
	return at;
}

/* "Z", "+02:00", "+0200", or nothing; false: something else. */
static bool
read_zone(const char *at, int64_t *us)
{
	int64_t minutes;
	int sign = *at == '-' ? 1 : -1;

	if (*at == '\0' || ((*at == 'Z' || *at == 'z') && at[1] == '\0'))
		return true;
	if ((*at != '+' && *at != '-' && *at != ' ') || !is_digit(at[1]) ||
	    !is_digit(at[2]))
		return false; /* a space: a plus that a query left unencoded */
	minutes = ((at[1] - '0') * 10 + at[2] - '0') * 60;
	at += at[3] == ':' ? 4 : 3;
	if (!is_digit(at[0]) || !is_digit(at[1]) || at[2] != '\0')
		return false;
	minutes += (at[0] - '0') * 10 + at[1] - '0';
	*us += sign * minutes * 60 * 1000000;
	return true;
}

bool
iso_time_read(const char *text, int64_t *us)
{
	struct tm tm = { .tm_mday = 0 };
	const char *at = strptime(text, "%Y-%m-%d", &tm);
	int64_t rest = 0;

	if (at == NULL)
		return false;
	if (*at == 'T' || *at == 't' || *at == ' ') {
		at = strptime(at + 1, "%H:%M:%S", &tm);
		if (at == NULL)
			return false;
		at = read_fraction(at, &rest);
	}
	if (!read_zone(at, &rest))
		return false;
	*us = (int64_t)timegm(&tm) * 1000000 + rest;
	return true;
}
