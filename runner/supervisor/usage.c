/* The group, its limits and the sum; usage_sample.c looks. */
#include "runner/supervisor/usage.h"

#include <stdio.h>
#include <sys/resource.h>

#include "runner/supervisor/usage_sample.h"

#define YELLOW "\033[0;33m"
#define PLAIN "\033[0;m"
#define KILLED 137 /* the exit code of who was killed */

#define MB 1000000

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

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
	if (s->spec.cage.makes_group)
		cgroup_use_leaf(&s->cgroup);
}

const struct cgroup *
usage_group(const struct supervision *s)
{
	return s->cgroup.exists ? &s->cgroup : NULL;
}

/* Rootless engines make no groups on some machines, and do not say so. */
static void
doubt_limits(struct supervision *s)
{
	const struct limits *l = &s->spec.limits;
	const struct cgroup_watch *w = &s->cage.watch;

	if (w->is_open && !w->group.exists &&
	    (l->memory.value > 0 || l->cpus.value > 0 || l->pids.value > 0))
		trace_printf(&s->trace,
		    YELLOW "WARNING: the job's limits may not hold: its container has no "
			   "control group of its own that could be seen" PLAIN "\n");
}

void
usage_begin(struct supervision *s)
{
	if (s->recorder.next_ms != INT64_MAX)
		return;
	doubt_limits(s);
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

/* service: which one; NULL: the job itself, which then knows why it fails. */
static void
say_short(struct supervision *s, const struct cgroup *g, const char *service)
{
	const struct limit *limit = &s->spec.limits.memory;
	char victims[160], size[32], out[sizeof(s->short_of)], who[128] = "the job";
	size_t room = sizeof(out);

	if (service != NULL)
		(void)snprintf(who, sizeof(who), "service %.100s", service);
	format_limit(limit->value, size, sizeof(size));
	cgroup_oom_victims(g, victims, sizeof(victims));
	if (limit->value > 0)
		(void)snprintf(out, room,
		    "%s was out of memory: its limit is %s (%.100s)", who, size,
		    limit->from);
	else
		(void)snprintf(out, room,
		    "%s was out of memory: it has no limit of its own, but this "
		    "machine, or what the runner is in, had no more",
		    who);
	if (victims[0] != '\0')
		(void)snprintf(
		    out + strlen(out), room - strlen(out), "; killed: %s", victims);
	trace_printf(&s->trace, YELLOW "WARNING: %s" PLAIN "\n", out);
	if (service == NULL)
		memcpy(s->short_of, out, sizeof(out));
}

static void
say_crowded(struct supervision *s, const char *service)
{
	const struct limit *limit = &s->spec.limits.pids;

	trace_printf(&s->trace,
	    YELLOW
	    "WARNING: %s%s could not start all its processes: its limit is %" PRId64
	    " processes and threads (%s)" PLAIN "\n",
	    service == NULL ? "the job" : "service ", service == NULL ? "" : service,
	    limit->value, limit->from != NULL ? limit->from : "none of its own");
}

/* True: its memory was short since the last time. */
static bool
look_at(struct supervision *s, struct cgroup *g, const char *service)
{
	if (!g->exists)
		return false;
	cgroup_look(g);
	if (g->pids_refused > 0 && !g->crowding_told) {
		g->crowding_told = true;
		say_crowded(s, service);
	}
	if (g->oom_kills == g->oom_told)
		return false;
	g->oom_told = g->oom_kills;
	say_short(s, g, service);
	return true;
}

/* An engine's containers may be gone before the next sample, and their groups with them.
 */
static bool
look_there(struct supervision *s)
{
	struct sample now = { .at_ms = 0 };

	usage_sample(s, &now);
	s->recorder.peak_bytes = larger(s->recorder.peak_bytes, now.memory_bytes);
	for (size_t i = 0; i < s->service_count; i++) {
		cgroup_watch_count(&s->services[i].process.watch);
		(void)look_at(s, &s->services[i].process.watch.group,
		    s->spec.cage.services[i].name);
	}
	cgroup_watch_count(&s->cage.watch);
	return look_at(s, &s->cage.watch.group, NULL);
}

bool
usage_look(struct supervision *s)
{
	return s->cage.watch.is_open ? look_there(s) : look_at(s, &s->cgroup, NULL);
}

void
usage_forget(struct supervision *s, struct cage_process *service)
{
	if (service->watch.is_open) {
		cgroup_watch_look(&service->watch);
		service->watch.last.memory_bytes = 0;
		usage_add(&s->of_services, &service->watch.last);
	}
	cgroup_watch_close(&service->watch);
}

/* ---- the sum --------------------------------------------------------------- */

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

/* What was waited for, in the words of pawl-init: here, or in an engine's container. */
static struct init_usage
waited(const struct supervision *s)
{
	struct rusage usage = { .ru_maxrss = 0 };

	if (s->cage.watch.is_open)
		return s->cage.waited;
	(void)getrusage(RUSAGE_CHILDREN, &usage);
	return (struct init_usage){ .cpu_us = usage_cpu_us(&usage),
		.peak_bytes = (int64_t)usage.ru_maxrss * 1024,
		.read_bytes = (int64_t)usage.ru_inblock * USAGE_BLOCK,
		.written_bytes = (int64_t)usage.ru_oublock * USAGE_BLOCK };
}

/*
 * Of each the larger: rusage knows of all that was waited for, and of the bytes that were
 * given to the kernel though no disk has them yet; the group knows of everybody.
 */
void
usage_sum(struct supervision *s)
{
	struct wire_result *r = &s->result;
	struct sample end = s->recorder.last;
	struct init_usage own;

	if (s->recorder.next_ms == INT64_MAX)
		return; /* nothing ran */
	own = waited(s);
	if (s->recorder.count > 0 || s->cage.watch.is_open)
		usage_sample(s, &end);
	r->cpu_us = larger(end.cpu_us, own.cpu_us);
	r->written_bytes = larger(
	    larger(end.written_bytes, s->recorder.last.written_bytes), own.written_bytes);
	r->read_bytes =
	    larger(larger(end.read_bytes, s->recorder.last.read_bytes), own.read_bytes);
	r->peak_rss_bytes = larger(s->recorder.peak_bytes, own.peak_bytes);
	if (!is_elsewhere(s) || s->cage.watch.is_open)
		say_sum(s);
}

void
usage_close(struct supervision *s)
{
	cgroup_close(&s->cgroup);
	cgroup_watch_close(&s->cage.watch);
	recorder_close(&s->recorder);
	buf_clear(&s->cgroup_words);
}
