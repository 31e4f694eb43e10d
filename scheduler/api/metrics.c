/*
 * What Prometheus asks for: counters, gauges and histograms in its text format. Source:
 * prometheus.io, "Exposition formats" and "Writing client libraries"; the figures of the
 * process bear the names that all its clients use.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "scheduler/api/api.h"
#include "scheduler/api/entities.h"

static void
head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
add(struct buf *out, const char *name, const char *type, const char *help, double value)
{
	head(out, name, type, help);
	buf_printf(out, "%s %.17g\n", name, value);
}

/* ---- jobs ---------------------------------------------------------------------------
 */

/* Jobs that wait for other jobs or for a person are left out: they need no runner. */
static void
add_waits(struct buf *out, struct service *s)
{
	const size_t *counts = service_waits(s);

	head(out, "pawl_jobs_waiting", "gauge", "Jobs that could run but for this.");
	for (int i = CORE_WAIT_TIME; i < CORE_WAIT_COUNT; i++)
		buf_printf(out, "pawl_jobs_waiting{reason=\"%s\"} %zu\n",
		    core_wait_name((enum core_wait_code)i), counts[i]);
}

static void
add_ended(struct buf *out, const struct service_figures *f)
{
	head(out, "pawl_jobs_ended_total", "counter", "Jobs by how they ended.");
	for (int i = 0; i < STATUS_COUNT; i++)
		if (status_is_completed((enum status)i))
			buf_printf(out,
			    "pawl_jobs_ended_total{status=\"%s\"} %" PRIu64 "\n",
			    status_name((enum status)i), f->ended[i]);
}

static void
add_jobs(struct buf *out, struct service *s)
{
	const struct service_figures *f = service_figures(s);
	const struct core_counts counts = core_counts(service_core(s));

	add(out, "pawl_pipelines_total", "counter", "Pipelines made since the start.",
	    (double)f->pipelines);
	add(out, "pawl_pipelines_live", "gauge", "Pipelines that have not ended.",
	    (double)counts.pipelines);
	add(out, "pawl_jobs_queued", "gauge", "Jobs that wait for a runner.",
	    (double)counts.queued);
	add_waits(out, s);
	add(out, "pawl_jobs_running", "gauge", "Jobs that a runner has.",
	    (double)counts.assigned);
	add_ended(out, f);
	histogram_write(
	    &f->wait, "pawl_job_wait_seconds", "From queued to given to a runner.", out);
	histogram_write(&f->pickup, "pawl_job_pickup_seconds",
	    "From given to accepted by its runner.", out);
	histogram_write(
	    &f->run, "pawl_job_run_seconds", "From accepted to its end.", out);
}

/* ---- runners ------------------------------------------------------------------------
 */

struct runner_figures {
	int64_t now_us;
	size_t counts[RUNNER_STATUS_COUNT][2]; /* the second: paused */
};

static bool
count_runner(struct registered_runner *n, void *data)
{
	struct runner_figures *f = data;

	f->counts[entity_runner_status(&n->row, f->now_us)][n->row.paused]++;
	return true;
}

static void
add_runners(struct buf *out, struct service *s)
{
	struct runner_figures f = { .now_us = service_now_us() };

	registry_each_runner(service_registry(s), count_runner, &f);
	head(out, "pawl_runners", "gauge", "Runners that are registered.");
	for (int i = 0; i < RUNNER_STATUS_COUNT; i++)
		for (int paused = 0; paused < 2; paused++)
			buf_printf(out, "pawl_runners{status=\"%s\",paused=\"%s\"} %zu\n",
			    entity_runner_status_name((enum runner_status)i),
			    paused ? "true" : "false", f.counts[i][paused]);
	add(out, "pawl_runner_polls", "gauge", "Requests of runners that wait for a job.",
	    (double)core_counts(service_core(s)).requests);
}

/* ---- the store ----------------------------------------------------------------------
 */

static void
add_store(struct buf *out, struct service *s)
{
	struct store_stats store;

	store_get_stats(service_store(s), &store);
	histogram_write(&store.write, "pawl_store_write_seconds",
	    "From a write's being asked for to its being on disk.", out);
	histogram_write(&store.commit, "pawl_store_commit_seconds",
	    "Transactions, each with all the writes that had queued up.", out);
	add(out, "pawl_store_failed_writes_total", "counter", "Writes that were undone.",
	    (double)store.failed_writes);
	add(out, "pawl_store_queued_writes", "gauge", "Writes that wait.",
	    (double)store.queued);
	add(out, "pawl_store_reads_total", "counter", "Reads done.", (double)store.reads);
	add(out, "pawl_store_wal_bytes", "gauge",
	    "What was written and is not in the main file yet.",
	    (double)store.wal_pages * 4096);
}

/* ---- the process --------------------------------------------------------------------
 */

static double
cpu_seconds(void)
{
	struct rusage used;

	if (getrusage(RUSAGE_SELF, &used) < 0)
		return 0;
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void
add_memory(struct buf *out)
{
	long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return;
	if (fscanf(f, "%ld %ld", &pages, &resident) != 2)
		pages = resident = 0;
	(void)fclose(f);
	add(out, "process_resident_memory_bytes", "gauge", "Memory in use.",
	    (double)resident * (double)sysconf(_SC_PAGESIZE));
	add(out, "process_virtual_memory_bytes", "gauge", "Address space in use.",
	    (double)pages * (double)sysconf(_SC_PAGESIZE));
}

static void
add_files(struct buf *out)
{
	struct rlimit limit;
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	if (dir != NULL) {
		while (readdir(dir) != NULL)
			count++;
		(void)closedir(dir);
	}
	if (count >= 3) /* ".", ".." and the folder's own */
		add(out, "process_open_fds", "gauge", "Open files and connections.",
		    (double)(count - 3));
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		add(out, "process_max_fds", "gauge", "How many there may be.",
		    (double)limit.rlim_cur);
}

static void
add_process(struct buf *out, struct service *s)
{
	head(out, "pawl_build_info", "gauge", "1, for the version.");
	buf_add_str(out, "pawl_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
	add(out, "process_start_time_seconds", "gauge", "Since 1970.",
	    (double)service_figures(s)->started_us / 1e6);
	add(out, "process_cpu_seconds_total", "counter", "Of user and system.",
	    cpu_seconds());
	add_memory(out);
	add_files(out);
}

static void
metrics(struct call *c)
{
	cleanup_buf struct buf out = BUF_INIT;

	add_jobs(&out, c->service);
	add_runners(&out, c->service);
	add_store(&out, c->service);
	add_process(&out, c->service);
	api_reply(c, 200, "text/plain; version=0.0.4; charset=utf-8", out.data, out.len);
}

const struct api_route api_metrics_routes[] = {
	{ "GET", "/metrics", API_OPEN, metrics },
	{ NULL },
};
