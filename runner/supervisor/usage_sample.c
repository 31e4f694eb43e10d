/* From the job's control group; what that does not know, from its processes. */
#include "runner/supervisor/usage_sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "runner/supervisor/cgroup_file.h"
#include "runner/supervisor/procs.h"

#define PROCESSES_MAX 1000 /* looked at for one sample */

int64_t
usage_cpu_us(const struct rusage *usage)
{
	return (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
	    usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

/* ---- the group ------------------------------------------------------------- */

/* Without what is kept of files alone: that is given back when somebody wants it. */
static bool
memory_of_group(const struct cgroup *g, int64_t *out)
{
	bool first = g->dirs[CGROUP_MEMORY].dir >= 0;
	int dir = first ? g->dirs[CGROUP_MEMORY].dir : g->dirs[CGROUP_UNIFIED].dir;
	char stat[8192];
	int64_t files, shared;

	if (cgroup_file_read(dir, "memory.stat", stat, sizeof(stat)) <= 0)
		return false;
	*out =
	    cgroup_file_number(dir, first ? "memory.usage_in_bytes" : "memory.current");
	files = cgroup_text_key(stat, first ? "total_cache" : "file");
	shared = cgroup_text_key(stat, first ? "total_shmem" : "shmem");
	*out -= files > shared ? files - shared : 0;
	if (*out < 0)
		*out = 0;
	return true;
}

/* "259:0 rbytes=1 wbytes=2 …", a line per disk; the sum. */
static int64_t
sum_of(const char *text, const char *key)
{
	int64_t sum = 0;

	while ((text = strstr(text, key)) != NULL) {
		text += strlen(key);
		sum += strtoll(text, NULL, 10);
	}
	return sum;
}

static bool
io_of_group(const struct cgroup *g, struct sample *out)
{
	char text[8192];

	/* empty: nothing was read or written; not there: nobody counts */
	if (cgroup_file_read(g->dirs[CGROUP_UNIFIED].dir, "io.stat", text, sizeof(text)) <
	    0)
		return false;
	out->read_bytes = sum_of(text, " rbytes=");
	out->written_bytes = sum_of(text, " wbytes=");
	return true;
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
		sum->read_bytes += sum_of(text, "\nread_bytes: ");
		sum->written_bytes += sum_of(text, "\nwrite_bytes: ");
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
	int group = s->cgroup.exists ? s->cgroup.dirs[CGROUP_UNIFIED].dir : -1;
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

void
usage_sample(struct supervision *s, struct sample *out)
{
	const struct cgroup *g = &s->cgroup;
	const struct sample *before = &s->recorder.last;
	struct sample walk = { .at_ms = 0 };
	bool has_memory = g->exists && memory_of_group(g, &out->memory_bytes);
	bool has_io = g->exists && io_of_group(g, out);

	out->cpu_us = !g->exists
	    ? 0
	    : cgroup_file_key(g->dirs[CGROUP_UNIFIED].dir, "cpu.stat", "usage_usec");
	if (!has_memory || !has_io || out->cpu_us == 0)
		look_at_processes(&walk);
	if (!has_memory)
		out->memory_bytes = walk.memory_bytes;
	if (!has_io) {
		out->read_bytes = walk.read_bytes;
		out->written_bytes = walk.written_bytes;
	}
	if (out->cpu_us == 0)
		out->cpu_us = walk.cpu_us;
	/* whoever ended without being waited for is not counted any more */
	out->cpu_us = never_less(out->cpu_us, before->cpu_us);
	out->read_bytes = never_less(out->read_bytes, before->read_bytes);
	out->written_bytes = never_less(out->written_bytes, before->written_bytes);
	look_at_waits(s, out);
}
