/* What the command line asks of the executors, which it does not know itself. */
#include "runner/runner.h"

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
