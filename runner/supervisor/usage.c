/* The group, its limits and the sum; usage_sample.c looks. */
#include "runner/supervisor/usage.h"

#include <stdio.h>
#include <sys/resource.h>

#include "runner/supervisor/usage_sample.h"

#define YELLOW "\033[0;33m"
#define PLAIN "\033[0;m"
#define KILLED 137 /* the exit code of who was killed */

#define MB 1000000

static bool
is_elsewhere(const struct supervision *s)
{
	return s->spec.cage.on_host;
}

void
usage_open(struct supervision *s)
{
	if (is_elsewhere(s))
		return; /* whoever runs it there holds it to its limits */
	cgroup_open(&s->cgroup, &s->spec.cgroups, s->spec.marker, &s->spec.limits,
	    &s->cgroup_words);
}

const struct cgroup *
usage_group(const struct supervision *s)
{
	return s->cgroup.exists ? &s->cgroup : NULL;
}

void
usage_begin(struct supervision *s)
{
	if (s->recorder.next_ms != INT64_MAX)
		return;
	if (s->cgroup_words.len > 0)
		trace_add(&s->trace, s->cgroup_words.data, s->cgroup_words.len);
	recorder_start(&s->recorder, s->spec.usage, supervision_now_ms());
}

void
usage_tick(struct supervision *s, int64_t now_ms)
{
	struct sample sample = { .at_ms = 0 };

	usage_sample(s, &sample);
	recorder_add(&s->recorder, &sample, now_ms);
}

/* ---- limits ---------------------------------------------------------------- */

/* As people write them: "512 MiB". */
static void
format_limit(int64_t bytes, char *out, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes / 1024;
	size_t unit = 0;

	for (; n >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
		n /= 1024;
	(void)snprintf(out, size, "%.4g %s", n, units[unit]);
}

static void
say_short(struct supervision *s)
{
	const struct limit *limit = &s->spec.limits.memory;
	char victims[160], size[32], *out = s->short_of;
	size_t room = sizeof(s->short_of);

	format_limit(limit->value, size, sizeof(size));
	cgroup_oom_victims(&s->cgroup, victims, sizeof(victims));
	if (limit->value > 0)
		(void)snprintf(out, room,
		    "the job was out of memory: its limit is %s (%.100s)", size,
		    limit->from);
	else
		(void)snprintf(out, room,
		    "the job was out of memory: it has no limit of its own, but this "
		    "machine, or what the runner is in, had no more");
	if (victims[0] != '\0')
		(void)snprintf(
		    out + strlen(out), room - strlen(out), "; killed: %s", victims);
	trace_printf(&s->trace, YELLOW "WARNING: %s" PLAIN "\n", out);
}

static void
say_crowded(struct supervision *s)
{
	const struct limit *limit = &s->spec.limits.pids;

	trace_printf(&s->trace,
	    YELLOW
	    "WARNING: the job could not start all its processes: its limit is %" PRId64
	    " processes and threads (%s)" PLAIN "\n",
	    limit->value, limit->from != NULL ? limit->from : "none of its own");
}

bool
usage_look(struct supervision *s)
{
	int64_t kills = s->cgroup.oom_kills, refused = s->cgroup.pids_refused;

	if (!s->cgroup.exists)
		return false;
	cgroup_look(&s->cgroup);
	if (s->cgroup.pids_refused > refused && refused == 0)
		say_crowded(s);
	if (s->cgroup.oom_kills == kills)
		return false;
	say_short(s);
	return true;
}

/* ---- the sum --------------------------------------------------------------- */

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void
say_sum(struct supervision *s)
{
	const struct wire_result *r = &s->result;
	int64_t written = (r->written_bytes + MB / 2) / MB;

	if (!wire_result_is_notable(
		r->duration_us, r->cpu_us, r->peak_rss_bytes, r->written_bytes))
		return;
	trace_printf(&s->trace, "peak %" PRId64 " MB, %.1f CPU-s",
	    (r->peak_rss_bytes + MB / 2) / MB, (double)r->cpu_us / 1e6);
	if (written > 0)
		trace_printf(&s->trace, ", %" PRId64 " MB written", written);
	trace_add(&s->trace, "\n", 1);
}

/*
 * Of each the larger: rusage knows of all that was waited for, and of the bytes that were
 * given to the kernel though no disk has them yet; the group knows of everybody.
 */
void
usage_sum(struct supervision *s)
{
	struct wire_result *r = &s->result;
	struct rusage usage = { .ru_maxrss = 0 };
	struct sample end = s->recorder.last;

	if (s->recorder.next_ms == INT64_MAX)
		return; /* nothing ran */
	(void)getrusage(RUSAGE_CHILDREN, &usage);
	if (s->recorder.count > 0)
		usage_sample(s, &end);
	r->cpu_us = larger(end.cpu_us, usage_cpu_us(&usage));
	r->written_bytes =
	    larger(larger(end.written_bytes, s->recorder.last.written_bytes),
		(int64_t)usage.ru_oublock * USAGE_BLOCK);
	r->read_bytes = larger(larger(end.read_bytes, s->recorder.last.read_bytes),
	    (int64_t)usage.ru_inblock * USAGE_BLOCK);
	r->peak_rss_bytes =
	    larger(s->recorder.peak_bytes, (int64_t)usage.ru_maxrss * 1024);
	if (!is_elsewhere(s))
		say_sum(s);
}

void
usage_close(struct supervision *s)
{
	cgroup_close(&s->cgroup);
	recorder_close(&s->recorder);
	buf_clear(&s->cgroup_words);
}
