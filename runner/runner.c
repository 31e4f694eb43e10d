/* What the command line asks of the executors, which it does not know itself. */
#include "runner/runner.h"

#include "executors/executor.h"

static const char *const unless_chosen = "shell";

static int
unknown_executor(const char *name, struct error *err)
{
	cleanup_buf struct buf names = BUF_INIT;

	for (const struct executor *const *e = executor_all(); *e != NULL; e++)
		buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", (*e)->name);
	return error_set(err, ERR_INVALID,
	    "-x %s: there is no such executor; there is %s", name, buf_str(&names));
}

int
runner_choose_executor(struct runner *runner, const char *name, struct error *err)
{
	const struct executor *executor =
	    executor_find(name == NULL ? unless_chosen : name);

	if (executor == NULL)
		return unknown_executor(name, err);
	if (executor->probe(err) < 0)
		return err->code;
	runner->executor = executor;
	runner->executor_chosen = name != NULL;
	return 0;
}
