/* Go's durations: numbers, each with its unit, one after the other. */
#include "runner/duration.h"

#include <ctype.h>

static const struct {
	const char *name;
	double ms;
} units[] = { { "ms", 1 }, { "us", 1e-3 }, { "ns", 1e-6 }, { "s", 1e3 }, { "m", 6e4 },
	{ "h", 3.6e6 } };

bool
duration_parse_go(const char *text, int64_t *ms)
{
	double total = 0;

	if (*text == '\0')
		return false;
	while (*text != '\0') {
		char *end;
		double number;
		size_t i;

		if (!isdigit((unsigned char)*text) && *text != '.')
			return false;
		number = strtod(text, &end);
		for (i = 0; i < ARRAY_LEN(units); i++)
			if (strncmp(end, units[i].name, strlen(units[i].name)) == 0)
				break;
		if (i == ARRAY_LEN(units))
			return false;
		total += number * units[i].ms;
		text = end + strlen(units[i].name);
	}
	if (!(total < 1e15))
		return false;
	*ms = (int64_t)total;
	return true;
}
