/* What the command line asks of the executors, which it does not know itself. */
#include "runner/runner.h"

#include <stdio.h>
#include <stdlib.h>

#include "runner/settings.h"
#include "runner/settings_cache.h"

#define MIN_WORKERS 4 /* libuv's own number */
#define MAX_WORKERS 64

void
runner_set(struct runner *runner, const struct runner_settings *s)
{
	runner->executor_settings = (struct executor_settings){
		.offline = s->offline,
		.pull_policy = s->pull_policy,
		.custom = s->custom,
		.docker_host = s->docker_host,
		.docker_cert_dir = s->docker_cert_dir,
		.docker_network = s->docker_network,
		.registries = s->images,
		.privileged = s->privileged,
		.limits = s->limits,
		.volumes = s->volumes,
		.volume_count = s->volume_count,
		.runtime = s->runtime,
	};
}

/* Each of its transfers holds one of the loop's workers, which others wait for. */
int
runner_add_cache(struct runner *runner, const struct runner_settings *s, int64_t jobs,
    struct error *err)
{
	int64_t workers = MIN_WORKERS + jobs;
	char text[24];

	if (s->cache == NULL)
		return 0;
	if (settings_complete_cache(s->cache, s->arena, err) < 0)
		return err->code;
	(void)snprintf(text, sizeof(text), "%" PRId64,
	    workers < MAX_WORKERS ? workers : MAX_WORKERS);
	(void)setenv("UV_THREADPOOL_SIZE", text, 0);
	runner->cache_remote = s->cache;
	return 0;
}

int
runner_choose_executor(struct runner *runner, const char *name, struct error *err)
{
	cgroup_places_find(&runner->cgroups);
	return executors_new(&runner->executor_settings, name, &runner->executors, err);
}

void
runner_close_executors(struct runner *runner)
{
	executors_free(take(runner->executors));
	cgroup_places_clear(&runner->cgroups);
}

const char *
runner_notice(const struct runner *runner)
{
	return executors_notice(runner->executors);
}
