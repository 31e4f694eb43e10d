/* Reading limits, and the lower of two. */
#include "executors/limits.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "protocol/job.h"

#define MIN_MEMORY (6.0 * 1024 * 1024) /* Docker's */
#define MAX_MEMORY (1024.0 * 1024 * 1024 * 1024 * 1024)
#define MAX_CPUS 100000.0
#define MIN_PIDS 8 /* what is around a job takes some */
#define MAX_PIDS 4194304

/* A plain decimal number; end: what follows it. */
static bool
parse_number(const char *text, double *out, const char **end)
{
	size_t len = strspn(text, "0123456789.");
	char *stop;

	if (len == 0 || len > 20)
		return false;
	*out = strtod(text, &stop);
	*end = stop;
	return stop == text + len && isfinite(*out);
}

/* What a unit stands for; 0: there is no such unit. */
static double
unit_of(const char *text, bool decimal)
{
	static const char letters[] = "kmgt";
	char letter = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
	const char *at = letter == '\0' ? NULL : strchr(letters, letter);
	double base = decimal ? 1000 : 1024, unit = 1;

	if (at == NULL)
		return *text == '\0' || str_eq(text, "b") || str_eq(text, "B") ? 1 : 0;
	text++;
	if (*text == 'i') {
		base = 1024;
		text++;
	}
	if (*text == 'b' || *text == 'B')
		text++;
	for (const char *p = letters; p <= at; p++)
		unit *= base;
	return *text == '\0' ? unit : 0;
}

static bool
parse_bytes(const char *text, bool decimal, int64_t *out)
{
	const char *end;
	double n;

	if (!parse_number(text, &n, &end))
		return false;
	n *= unit_of(end, decimal);
	if (n < MIN_MEMORY || n > MAX_MEMORY)
		return false;
	*out = (int64_t)n;
	return true;
}

bool
limits_parse_bytes(const char *text, int64_t *out)
{
	return parse_bytes(text, false, out);
}

static bool
parse_decimal_bytes(const char *text, int64_t *out)
{
	return parse_bytes(text, true, out);
}

bool
limits_parse_cpus(const char *text, int64_t *out)
{
	const char *end;
	double n;

	if (!parse_number(text, &n, &end))
		return false;
	if (str_eq(end, "m"))
		n /= 1000;
	else if (*end != '\0')
		return false;
	if (n < 0.01 || n > MAX_CPUS)
		return false;
	*out = (int64_t)(n * 1000 + 0.5);
	return true;
}

bool
limits_parse_pids(const char *text, int64_t *out)
{
	return str_to_int64(text, out) && *out >= MIN_PIDS && *out <= MAX_PIDS;
}

/* ---- a job's own ----------------------------------------------------------- */

/* Source: docs.gitlab.com/runner/executors/kubernetes, "Overwrite container resources".
 */
static const struct {
	const char *name, *from;
	size_t offset; /* of a struct limit in struct limits */
	bool (*parse)(const char *text, int64_t *out);
	const char *wanted; /* NULL: another's, in whatever form */
} variables[] = {
	{ "PAWL_MEMORY_LIMIT", "the job's PAWL_MEMORY_LIMIT",
	    offsetof(struct limits, memory), limits_parse_bytes,
	    "a size such as 512m or 2g" },
	{ "PAWL_CPU_LIMIT", "the job's PAWL_CPU_LIMIT", offsetof(struct limits, cpus),
	    limits_parse_cpus, "a number of processors such as 1.5" },
	{ "PAWL_PIDS_LIMIT", "the job's PAWL_PIDS_LIMIT", offsetof(struct limits, pids),
	    limits_parse_pids, "a number of processes, 8 at least" },
	{ "KUBERNETES_MEMORY_LIMIT", "the job's KUBERNETES_MEMORY_LIMIT",
	    offsetof(struct limits, memory), parse_decimal_bytes, NULL },
	{ "KUBERNETES_CPU_LIMIT", "the job's KUBERNETES_CPU_LIMIT",
	    offsetof(struct limits, cpus), limits_parse_cpus, NULL },
};

static void
lower(struct limit *limit, int64_t value, const char *from)
{
	if (limit->value == 0 || value < limit->value)
		*limit = (struct limit){ value, from };
}

int
limits_of_job(const struct job_payload *job, const struct limits *runner,
    struct limits *out, struct error *err)
{
	bool said[sizeof(struct limits) / sizeof(struct limit)] = { false };

	*out = *runner;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *text = job_payload_variable(job, variables[i].name);
		size_t which = variables[i].offset / sizeof(struct limit);
		struct limit *limit = (struct limit *)(void *)out + which;
		int64_t value;

		if (text == NULL || *text == '\0' || said[which])
			continue;
		said[which] = variables[i].parse(text, &value);
		if (said[which])
			lower(limit, value, variables[i].from);
		else if (variables[i].wanted != NULL)
			return error_set(err, ERR_INVALID, "%s should be %s, not \"%s\"",
			    variables[i].name, variables[i].wanted, text);
	}
	return 0;
}
