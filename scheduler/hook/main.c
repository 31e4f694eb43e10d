/*
 * pawl-hook: what git calls after a push, as hooks/post-receive. Without words in a
 * repository of the server itself, "forward" in one hosted elsewhere. The others are what
 * `pawl hook` needs; they end as pawl does. Links libc alone.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "scheduler/hook/copy.h"
#include "scheduler/hook/forward.h"
#include "scheduler/hook/hosted.h"

/* `pawl hook install` collects what is said, and says it in one piece. */
static bool
join_output(void)
{
	return dup2(STDOUT_FILENO, STDERR_FILENO) >= 0;
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *dir = argc > 2 ? argv[2] : ".";

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 1)
		return hosted_tell();
	if (str_eq(verb, "forward"))
		return forward_push();
	if (str_eq(verb, "sync"))
		return copy_sync(dir);
	if (str_eq(verb, "compare"))
		return copy_compare(dir);
	if (str_eq(verb, "check") && argc > 3 && join_output())
		return copy_check(dir, argv[3]);
	if (str_eq(verb, "first") && argc > 3 && join_output())
		return copy_first(dir, argv[3], argc > 4);
	(void)fprintf(stderr, "pawl-hook: git and `pawl hook` start this program\n");
	return 2;
}
