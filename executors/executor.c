/* The table of executors. */
#include "executors/executor.h"

#include "executors/shell.h"

const struct executor *const *
executor_all(void)
{
	static const struct executor *const all[] = { &executor_shell, NULL };

	return all;
}

const struct executor *
executor_find(const char *name)
{
	for (const struct executor *const *e = executor_all(); *e != NULL; e++)
		if (str_eq((*e)->name, name))
			return *e;
	return NULL;
}
