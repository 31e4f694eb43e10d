/* pawl-runner: takes jobs from servers. `pawl runner` starts it, or a server beside it.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <uv.h>

#include "base/log.h"
#include "base/str.h"
#include "runner/launcher.h"
#include "runner/main_options.h"
#include "runner/manager.h"

struct program {
	uv_loop_t loop;
	uv_signal_t terminate, interrupt;
	struct manager *manager;
};

static void
on_signal(uv_signal_t *handle, int signum UNUSED)
{
	struct program *p = handle->data;

	manager_stop(p->manager);
}

static void
watch_signals(struct program *p)
{
	uv_signal_init(&p->loop, &p->terminate);
	uv_signal_init(&p->loop, &p->interrupt);
	p->terminate.data = p->interrupt.data = p;
	uv_signal_start(&p->terminate, on_signal, SIGTERM);
	uv_signal_start(&p->interrupt, on_signal, SIGINT);
	/* what keeps the loop going is the manager alone */
	uv_unref((uv_handle_t *)&p->terminate);
	uv_unref((uv_handle_t *)&p->interrupt);
}

static void
warn_of_limits(const struct runner *runner)
{
	cleanup_free char *lacking =
	    cgroup_places_lacking(&runner->cgroups, &runner->executor_settings.limits);

	if (lacking != NULL)
		log_warn("%s", lacking);
}

static int
run(struct options *o)
{
	struct runner runner = { .name = o->settings.name, .version = PACKAGE_VERSION };
	struct error err = ERROR_INIT;
	struct program p = { .manager = NULL };
	int rc = OPTIONS_OK;

	log_set_format(o->settings.log_format == log_formats[LOG_FORMAT_JSON]
		? LOG_FORMAT_JSON
		: LOG_FORMAT_TEXT,
	    "runner");
	runner_set(&runner, &o->settings);
	if (runner.executor_settings.pull_policy == NULL)
		runner.executor_settings.pull_policy = "always";
	runner.executor_settings.images_dir =
	    arena_printf(o->settings.arena, "%s/images", o->settings.state_dir);
	if (runner_add_cache(&runner, &o->settings, o->settings.concurrent, &err) < 0) {
		options_complain("%s", err.msg);
		return OPTIONS_INVALID;
	}
	if (runner_choose_executor(&runner, o->settings.executor, &err) < 0) {
		options_complain("%s", err.msg);
		return err.code == ERR_INVALID ? OPTIONS_INVALID : OPTIONS_FAULT;
	}
	if (runner_notice(&runner) != NULL)
		log_warn("%s", runner_notice(&runner));
	warn_of_limits(&runner);
	uv_loop_init(&p.loop);
	runner.loop = &p.loop;
	runner.launcher = launcher_new(true);
	(void)signal(SIGPIPE, SIG_IGN);
	watch_signals(&p);
	if (manager_new(&o->settings, &runner, &p.manager, &err) < 0) {
		options_complain("%s", err.msg);
		rc = OPTIONS_FAULT;
	} else {
		manager_start(p.manager);
		uv_run(&p.loop, UV_RUN_DEFAULT);
	}
	uv_close((uv_handle_t *)&p.terminate, NULL);
	uv_close((uv_handle_t *)&p.interrupt, NULL);
	uv_run(&p.loop, UV_RUN_DEFAULT);
	manager_free(p.manager);
	launcher_free(runner.launcher);
	runner_close_executors(&runner);
	uv_loop_close(&p.loop);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o;
	int rc = options_parse(argc, argv, &o);

	if (rc == OPTIONS_OK && !str_eq(o.command, "help"))
		rc = options_load(&o);
	if (rc == OPTIONS_OK && str_eq(o.command, "run"))
		rc = run(&o);
	else if (rc == OPTIONS_OK && str_eq(o.command, "register"))
		rc = options_register(&o);
	else if (rc == OPTIONS_OK && str_eq(o.command, "verify"))
		rc = options_verify(&o);
	options_clear(&o);
	return rc;
}
