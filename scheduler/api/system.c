/* What watches a server asks: is it alive, is it ready, which version, its figures. */
#include "config.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "scheduler/api/api.h"
#include "scheduler/service_internal.h"

static void
health(struct call *c)
{
	api_reply(c, 200, "text/plain", "ok\n", 3);
}

/* Ready for pushes and runners: what was running has been taken up again. */
static void
ready(struct call *c)
{
	if (service_is_loading(c->service))
		api_reply(c, 503, "text/plain", "loading\n", 8);
	else if (service_is_draining(c->service))
		api_reply(c, 503, "text/plain", "draining\n", 9);
	else
		api_reply(c, 200, "text/plain", "ready\n", 6);
}

struct version {
	const char *version, *revision;
};

static const struct json_field version_fields[] = {
	{ JSON_FIELD("version", STRING, struct version, version) },
	{ JSON_FIELD("revision", STRING, struct version, revision) },
	{ NULL },
};
static const struct json_shape version_shape = { version_fields, sizeof(struct version) };

static void
version(struct call *c)
{
	const struct version v = { PACKAGE_VERSION, "pawl" };

	api_shape(c, 200, &version_shape, &v);
}

/* ---- metrics --------------------------------------------------------------------------
 */

static int64_t
resident_bytes(void)
{
	long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	(void)fclose(f);
	return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static void
add(struct buf *out, const char *name, const char *type, const char *help, double value)
{
	buf_printf(out, "# HELP pawl_%s %s\n# TYPE pawl_%s %s\npawl_%s %.17g\n", name,
	    help, name, type, name, value);
}

static void
add_figures(struct buf *out, const struct service_figures *f)
{
	add(out, "pipelines_total", "counter", "Pipelines made since the start.",
	    (double)f->pipelines);
	buf_add_str(out,
	    "# HELP pawl_jobs_ended_total Jobs by how they ended.\n"
	    "# TYPE pawl_jobs_ended_total counter\n");
	for (int i = 0; i < STATUS_COUNT; i++)
		if (status_is_completed((enum status)i))
			buf_printf(out,
			    "pawl_jobs_ended_total{status=\"%s\"} %" PRIu64 "\n",
			    status_name((enum status)i), f->ended[i]);
	histogram_write(
	    &f->wait, "job_wait_seconds", "From queued to given to a runner.", out);
	histogram_write(&f->pickup, "job_pickup_seconds",
	    "From given to accepted by its runner.", out);
	histogram_write(&f->run, "job_run_seconds", "From accepted to its end.", out);
}

static void
metrics(struct call *c)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct core_counts counts = core_counts(service_core(c->service));
	struct store_stats store;

	store_get_stats(service_store(c->service), &store);
	add(&out, "jobs_queued", "gauge", "Jobs that wait for a runner.",
	    (double)counts.queued);
	add(&out, "jobs_running", "gauge", "Jobs that a runner has.",
	    (double)counts.assigned);
	add(&out, "jobs_waiting_for_resource", "gauge",
	    "Jobs whose resource group is held.", (double)counts.waiting_for_resource);
	add(&out, "jobs_scheduled", "gauge", "Delayed jobs.", (double)counts.scheduled);
	add(&out, "pipelines_live", "gauge", "Pipelines that have not ended.",
	    (double)counts.pipelines);
	add(&out, "runners", "gauge", "Runners that are registered.",
	    (double)counts.runners);
	add(&out, "runner_polls", "gauge", "Requests of runners that wait for a job.",
	    (double)counts.requests);
	add(&out, "store_writes_total", "counter", "Writes that reached the disk.",
	    (double)store.writes);
	add(&out, "store_failed_writes_total", "counter", "Writes that were undone.",
	    (double)store.failed_writes);
	add(&out, "store_commits_total", "counter", "Transactions.",
	    (double)store.commits);
	add(&out, "store_commit_seconds_total", "counter", "Time spent committing.",
	    (double)store.commit_us / 1e6);
	add(&out, "store_commit_seconds_max", "gauge", "The slowest commit.",
	    (double)store.slowest_commit_us / 1e6);
	add(&out, "store_queued_writes", "gauge", "Writes that wait.",
	    (double)store.queued);
	add(&out, "process_resident_memory_bytes", "gauge", "Memory in use.",
	    (double)resident_bytes());
	add_figures(&out, service_figures(c->service));
	api_reply(c, 200, "text/plain; version=0.0.4", out.data, out.len);
}

const struct api_route api_system_routes[] = {
	{ "GET", "/-/health", API_OPEN, health },
	{ "GET", "/-/ready", API_OPEN, ready },
	{ "GET", "/metrics", API_OPEN, metrics },
	{ "GET", "/api/v4/version", API_READ, version },
	{ NULL },
};
