/* By the files of both versions. */
#include "runner/supervisor/cgroup_count.h"

#include "runner/supervisor/cgroup_file.h"

bool
cgroup_count_memory(const struct cgroup *g, int64_t *bytes)
{
	bool first = g->dirs[CGROUP_MEMORY].dir >= 0;
	int dir = first ? g->dirs[CGROUP_MEMORY].dir : g->dirs[CGROUP_UNIFIED].dir;
	char stat[8192];
	int64_t files, shared;

	if (cgroup_file_read(dir, "memory.stat", stat, sizeof(stat)) <= 0)
		return false;
	*bytes =
	    cgroup_file_number(dir, first ? "memory.usage_in_bytes" : "memory.current");
	files = cgroup_text_key(stat, first ? "total_cache" : "file");
	shared = cgroup_text_key(stat, first ? "total_shmem" : "shmem");
	*bytes -= files > shared ? files - shared : 0;
	if (*bytes < 0)
		*bytes = 0;
	return true;
}

bool
cgroup_count_io(const struct cgroup *g, int64_t *read_bytes, int64_t *written_bytes)
{
	char text[8192];

	/* empty: nothing was read or written; not there: nobody counts */
	if (cgroup_file_read(g->dirs[CGROUP_UNIFIED].dir, "io.stat", text, sizeof(text)) <
	    0)
		return false;
	/* "259:0 rbytes=1 wbytes=2 …", a line per disk */
	*read_bytes = cgroup_text_sum(text, " rbytes=");
	*written_bytes = cgroup_text_sum(text, " wbytes=");
	return true;
}

bool
cgroup_count_cpu(const struct cgroup *g, int64_t *us)
{
	int64_t used =
	    cgroup_file_key(g->dirs[CGROUP_UNIFIED].dir, "cpu.stat", "usage_usec");

	if (used == 0)
		return false;
	*us = used;
	return true;
}
