/* From the job's control group; what that does not know, from its processes. */
#include "runner/supervisor/usage_sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "runner/supervisor/cgroup_count.h"
#include "runner/supervisor/cgroup_file.h"
#include "runner/supervisor/procs.h"

#define PROCESSES_MAX 1000 /* looked at for one sample */

int64_t
usage_cpu_us(const struct rusage *usage)
{
	return (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
	    usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

/* ---- the processes --------------------------------------------------------- */

/* The numbers from field 3 of proc(5)'s stat on are behind the last parenthesis. */
static void
add_stat(const char *stat, struct sample *sum)
{
	static const long unknown_ticks = 100;
	long ticks = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
	const char *at = strrchr(stat, ')');
	long long field;

	if (ticks <= 0)
		ticks = unknown_ticks;
	for (int i = 2; at != NULL && i < 24; i++) {
		field = strtoll(at + 1, NULL, 10);
		if (i >= 14 && i <= 17) /* its own and its ended children's */
			sum->cpu_us += field * (1000000 / ticks);
		at = strchr(at + 1, ' ');
	}
	if (at != NULL)
		sum->memory_bytes += strtoll(at + 1, NULL, 10) * page;
}

static void
add_process(pid_t pid, struct sample *sum)
{
	char dir_name[32], text[1024];
	int dir;

	(void)snprintf(dir_name, sizeof(dir_name), "/proc/%ld", (long)pid);
	dir = open(dir_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cgroup_file_read(dir, "stat", text, sizeof(text)) > 0)
		add_stat(text, sum);
	if (cgroup_file_read(dir, "io", text, sizeof(text)) > 0) {
		sum->read_bytes += cgroup_text_sum(text, "\nread_bytes: ");
		sum->written_bytes += cgroup_text_sum(text, "\nwrite_bytes: ");
	}
	if (dir >= 0)
		close(dir);
}

static void
look_at_processes(struct sample *sum)
{
	cleanup_pids struct pids pids = PIDS_INIT;
	struct rusage ended = { .ru_maxrss = 0 };

	(void)getrusage(RUSAGE_CHILDREN, &ended);
	sum->cpu_us = usage_cpu_us(&ended);
	sum->read_bytes = (int64_t)ended.ru_inblock * USAGE_BLOCK;
	sum->written_bytes = (int64_t)ended.ru_oublock * USAGE_BLOCK;
	procs_descendants(getpid(), &pids);
	for (size_t i = 0; i < pids.count && i < PROCESSES_MAX; i++)
		add_process(pids.items[i], sum);
}

/* ---- both ------------------------------------------------------------------ */

/* "some avg10=0.00 … total=123" is the first line. */
static void
look_at_waits(struct supervision *s, struct sample *out)
{
	const struct cgroup *g =
	    s->cage.watch.is_open ? &s->cage.watch.group : &s->cgroup;
	int group = g->exists ? g->dirs[CGROUP_UNIFIED].dir : -1;
	int64_t *base = s->recorder.machine_wait_us;

	static const char *const of_group[] = { [WAIT_CPU] = "cpu.pressure",
		[WAIT_MEMORY] = "memory.pressure",
		[WAIT_IO] = "io.pressure" };
	static const char *const of_machine[] = { [WAIT_CPU] = "/proc/pressure/cpu",
		[WAIT_MEMORY] = "/proc/pressure/memory",
		[WAIT_IO] = "/proc/pressure/io" };

	for (int i = 0; i < WAIT_COUNT; i++) {
		char text[256];
		bool own = cgroup_file_read(group, of_group[i], text, sizeof(text)) > 0;
		const char *total;

		if (!own)
			(void)cgroup_file_read(0, of_machine[i], text, sizeof(text));
		total = strstr(text, "total=");
		if (total == NULL)
			continue;
		out->wait_us[i] = strtoll(total + 6, NULL, 10);
		if (!own && base[i] == 0) /* the machine counts since its start */
			base[i] = out->wait_us[i];
		out->wait_us[i] -= base[i];
	}
}

static int64_t
never_less(int64_t now, int64_t before)
{
	return now > before ? now : before;
}

/* Its own group, and what that does not know from its processes. */
static void
look_here(const struct supervision *s, struct sample *out)
{
	const struct cgroup *g = &s->cgroup;
	struct sample walk = { .at_ms = 0 };
	bool has_memory = g->exists && cgroup_count_memory(g, &out->memory_bytes);
	bool has_io =
	    g->exists && cgroup_count_io(g, &out->read_bytes, &out->written_bytes);
	bool has_cpu = g->exists && cgroup_count_cpu(g, &out->cpu_us);

	if (!has_memory || !has_io || !has_cpu)
		look_at_processes(&walk);
	if (!has_memory)
		out->memory_bytes = walk.memory_bytes;
	if (!has_io) {
		out->read_bytes = walk.read_bytes;
		out->written_bytes = walk.written_bytes;
	}
	if (!has_cpu)
		out->cpu_us = walk.cpu_us;
}

void
usage_add(struct sample *sum, const struct sample *more)
{
	sum->memory_bytes += more->memory_bytes;
	sum->cpu_us += more->cpu_us;
	sum->read_bytes += more->read_bytes;
	sum->written_bytes += more->written_bytes;
}

/* The containers an engine has made, together. */
static void
look_there(struct supervision *s, struct sample *out)
{
	cgroup_watch_look(&s->cage.watch);
	usage_add(out, &s->cage.watch.last);
	for (size_t i = 0; i < s->service_count; i++) {
		struct cgroup_watch *w = &s->services[i].process.watch;

		cgroup_watch_look(w);
		usage_add(out, &w->last);
	}
	usage_add(out, &s->of_services);
}

void
usage_sample(struct supervision *s, struct sample *out)
{
	const struct sample *before = &s->recorder.last;

	if (s->cage.watch.is_open)
		look_there(s, out);
	else
		look_here(s, out);
	/* whoever ended without being waited for is not counted any more */
	out->cpu_us = never_less(out->cpu_us, before->cpu_us);
	out->read_bytes = never_less(out->read_bytes, before->read_bytes);
	out->written_bytes = never_less(out->written_bytes, before->written_bytes);
	look_at_waits(s, out);
}
