/*
 * A job in a sandbox or container: one program (bubblewrap, an OCI runtime) makes it
 * around pawl-init, which starts the steps in it and ends when its socket does.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "runner/supervisor/procs.h"
#include "runner/supervisor/usage.h"

#define START_LIMIT_MS 60000
#define END_LIMIT_MS 10000 /* until it is made to end */

char **
cage_environment(const struct supervision *s)
{
	char **env = xcalloc(4, sizeof(*env));

	env[0] = xasprintf(PROCS_MARKER_NAME "=%s", s->spec.marker);
	env[1] = xstrdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
			 "/bin");
	if (s->spec.cage.on_host)
		env[2] = xasprintf(CAGE_FILES_VARIABLE "=%s", s->files_dir);
	return env;
}

/* What encloses the job needs little; the job's own environment comes with its steps. */
static int
start_program(struct supervision *s, struct error *err)
{
	char **env = cage_environment(s);
	struct cage_start start = { .argv = &s->spec.cage.argv,
		.open_program = s->spec.cage.open_program,
		.env = env,
		.input = s->spec.cage.input,
		.output = s->output_end,
		.group = usage_group(s) };
	int rc = cage_process_start(&s->cage, &start, err);

	supervision_free_strings(env);
	return rc;
}

int
cage_say_hello(struct supervision *s, struct cage_process *to, struct error *err)
{
	static char *const no_argv[] = { NULL };
	const struct spec_step none = { .name = "" };
	char **env = supervision_environment(s, &none);
	struct cage_run hello = { .type = INIT_HELLO,
		.name = "",
		.dir = s->spec.cage.project_dir,
		.argv = no_argv,
		.env = env,
		.known = &s->spec.cage.env,
		.script = -1 };
	int rc = cage_process_send(to, &hello, err);

	supervision_free_strings(env);
	return rc;
}

/* One that has ended already says more by its end. */
static int
greet(struct supervision *s, struct error *err)
{
	int rc = cage_say_hello(s, &s->cage, err);

	if (rc != -EPIPE && rc != -ECONNRESET)
		return rc;
	*err = (struct error)ERROR_INIT;
	return 0;
}

static int
explain_start(const struct supervision *s, struct error *err)
{
	int status = s->cage.end_status;

	return error_set(err, ERR_ENVIRONMENT,
	    "%s could not start the job: exit code %d; what it said is in the log",
	    s->spec.cage.argv.items[0],
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int
cage_start(struct supervision *s, struct error *err)
{
	int64_t limit_ms =
	    s->spec.cage.start_ms > 0 ? s->spec.cage.start_ms : START_LIMIT_MS;
	int64_t until_ms = supervision_now_ms() + limit_ms;

	if (start_program(s, err) < 0 || (s->spec.cage.wants_hello && greet(s, err) < 0))
		return err->code;
	while (!s->cage.stands && s->cage.pid != 0 && !s->killed && !s->canceled) {
		if (supervision_now_ms() >= until_ms)
			return error_set(err, ERR_ENVIRONMENT,
			    "%s did not start the job within %" PRId64 " s",
			    s->spec.cage.argv.items[0], limit_ms / 1000);
		supervision_pump(s, until_ms);
	}
	if (s->cage.stands || s->killed || s->canceled)
		return 0;
	return explain_start(s, err);
}

int
cage_run(struct supervision *s, char *const *argv, char *const *env, int script,
    struct error *err)
{
	struct cage_run run = { .type = INIT_RUN,
		.name = s->spec.steps[s->step].name,
		.dir = s->spec.cage.project_dir,
		.argv = argv,
		.env = env,
		.known = &s->spec.cage.env,
		.script = script };

	if (cage_process_run(&s->cage, &run, err) < 0)
		return err->code;
	s->step_runs = true;
	s->childless = false;
	return 0;
}

static void
fail_to_start(struct supervision *s)
{
	const char *text = s->cage.steps[0].text;

	if (s->cage.steps[0].failed == E2BIG)
		supervision_fail(s, WIRE_SYSTEM_FAILURE,
		    "cannot start %s: the variables are too large; one of type file has no "
		    "limit",
		    text);
	else if (strchr(text, ' ') != NULL)
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "%s", text);
	else
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "cannot start %s: %s", text,
		    strerror(s->cage.steps[0].failed));
}

void
cage_heard(struct supervision *s)
{
	if (s->cage.pid != 0)
		s->childless = s->cage.alone;
	if (!s->step_runs || s->cage.steps[0].runs)
		return;
	s->step_runs = false;
	s->shell_status = s->cage.steps[0].status;
	if (s->cage.steps[0].failed != 0)
		fail_to_start(s);
}

void
cage_on_exit(struct supervision *s, int status)
{
	bool was_running;

	cage_process_read(&s->cage);
	was_running = s->cage.steps[0].runs;
	cage_process_reaped(&s->cage, status);
	/* the program was killed: pawl-init is our child now, and ends with its socket */
	cage_process_close(&s->cage);
	if (was_running && !s->killed && usage_look(s))
		supervision_fail(s, WIRE_SCRIPT_FAILURE, "%s", s->short_of);
	else if (was_running && !s->killed)
		supervision_fail(s, WIRE_SYSTEM_FAILURE,
		    "the job's %s ended while %s ran", s->spec.cage.argv.items[0],
		    s->spec.steps[s->step].name);
	if (was_running)
		s->cage.steps[0].status = 0;
	cage_heard(s);
}

void
cage_end(struct supervision *s)
{
	int64_t limit_ms = s->spec.cage.end_ms > 0 ? s->spec.cage.end_ms : END_LIMIT_MS;
	int64_t until_ms = supervision_now_ms() + limit_ms;

	cage_process_close(&s->cage);
	while (s->cage.pid != 0 && supervision_now_ms() < until_ms)
		supervision_pump(s, until_ms);
	if (s->cage.pid == 0)
		return;
	kill(s->cage.pid, SIGKILL);
	until_ms = supervision_now_ms() + END_LIMIT_MS;
	while (s->cage.pid != 0 && supervision_now_ms() < until_ms)
		supervision_pump(s, until_ms);
}
