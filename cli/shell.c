/* pawl shell: a shell in what a failed job left. */
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/git.h"
#include "base/json_writer.h"
#include "base/path.h"
#include "base/str.h"
#include "base/visible.h"
#include "cli/commands.h"
#include "cli/frozen.h"
#include "cli/frozen_shell.h"
#include "runner/supervisor/kept_wire.h"

#define END_LIMIT_MS 60000

static const struct option_row own_options[] = {
	{ 'l', "list", NULL, "list the jobs that are kept" },
	{ 0, "end", NULL, "let the named jobs go; without names, all of them" },
	{ 0, "json", NULL, "with --list: print one JSON array" },
	{ 'C', "directory", "DIR", "work on the repository in DIR instead of here" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, NULL };

struct kept_jobs {
	struct arena *arena;
	struct frozen *items; /* the newest first */
	size_t count;
};

static int
fail(const struct error *err, int exit_code)
{
	(void)fprintf(stderr, "pawl: %s\n", err->msg);
	return exit_code;
}

static int
load(const struct args *args, struct kept_jobs *out)
{
	const char *dir = args_value(args, "directory");
	cleanup_free char *state_dir = NULL;
	struct git_repo *repo = NULL;
	struct error err = ERROR_INIT;
	int rc;

	if (git_repo_open(dir != NULL ? dir : ".", &repo, &err) < 0)
		return fail(&err, EXIT_INVALID);
	state_dir = path_join(git_repo_work_tree(repo), ".pawl");
	git_repo_close(repo);
	rc = frozen_list(state_dir, out->arena, &out->items, &out->count, &err);
	return rc < 0 ? fail(&err, EXIT_FAULT) : EXIT_OK;
}

static const struct frozen *
find(const struct kept_jobs *jobs, const char *name)
{
	for (size_t i = 0; i < jobs->count; i++)
		if (str_eq(jobs->items[i].job, name))
			return &jobs->items[i];
	(void)fprintf(stderr,
	    "pawl: nothing of %s is kept; `pawl run --keep-failed` keeps what fails\n",
	    name);
	return NULL;
}

/* ---- --list ---------------------------------------------------------------- */

static void
list_json(const struct kept_jobs *jobs)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_begin_array(&w);
	for (size_t i = 0; i < jobs->count; i++) {
		const struct frozen *f = &jobs->items[i];

		json_begin_object(&w);
		json_put_string(&w, "job", f->job);
		json_put_int(&w, "id", f->id);
		json_put_string(&w, "why", f->why);
		json_put_string(&w, "command", f->command);
		json_put_string(&w, "log", f->log);
		json_put_int(&w, "since", f->since);
		json_end_object(&w);
	}
	json_end_array(&w);
	(void)printf("%s\n", buf_str(&out));
}

static void
add_reason(const struct frozen *f, struct buf *out)
{
	char since[32];
	time_t at = (time_t)f->since;
	struct tm local;

	(void)localtime_r(&at, &local);
	(void)strftime(since, sizeof(since), "%d %b %H:%M", &local);
	buf_printf(out, "%s  failed: ", since);
	visible_add(out, f->why != NULL ? f->why : "");
	if (f->command != NULL && *f->command != '\0') {
		buf_add_str(out, ", at ");
		visible_add(out, f->command);
	}
}

static void
list_rows(const struct kept_jobs *jobs, struct buf *out)
{
	size_t width = 0;

	for (size_t i = 0; i < jobs->count; i++) {
		size_t n = visible_width(jobs->items[i].job);

		width = n > width ? n : width;
	}
	for (size_t i = 0; i < jobs->count; i++) {
		visible_add_padded(out, jobs->items[i].job, width + 2);
		add_reason(&jobs->items[i], out);
		buf_add_char(out, '\n');
	}
}

static int
list(const struct args *args, const struct kept_jobs *jobs)
{
	cleanup_buf struct buf out = BUF_INIT;

	if (args_has(args, "json")) {
		list_json(jobs);
		return EXIT_OK;
	}
	if (jobs->count == 0)
		(void)fprintf(stderr,
		    "pawl: no job is kept; `pawl run --keep-failed` keeps what fails\n");
	list_rows(jobs, &out);
	(void)printf("%s", buf_str(&out));
	return EXIT_OK;
}

/* ---- --end ----------------------------------------------------------------- */

/* Its supervisor holds the socket until everything is gone. */
static int
end(const struct frozen *f)
{
	struct error err = ERROR_INIT;
	cleanup_close int fd = frozen_knock(f, &err);
	struct pollfd gone = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return EXIT_OK;
	frozen_end(f, false);
	if (poll(&gone, 1, END_LIMIT_MS) > 0)
		return EXIT_OK;
	(void)fprintf(
	    stderr, "pawl: %s does not end; its folder is %s\n", f->job, f->dir);
	return EXIT_FAULT;
}

static int
end_named(const struct args *args, const struct kept_jobs *jobs)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < args_count(args); i++) {
		const char *name = args_word(args, i);

		if (find(jobs, name) == NULL)
			return EXIT_INVALID;
		for (size_t k = 0; k < jobs->count; k++)
			if (str_eq(jobs->items[k].job, name) &&
			    end(&jobs->items[k]) != EXIT_OK)
				code = EXIT_FAULT;
	}
	return code;
}

static int
end_all(const struct kept_jobs *jobs)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < jobs->count; i++)
		if (end(&jobs->items[i]) != EXIT_OK)
			code = EXIT_FAULT;
	return code;
}

/* ---- a shell --------------------------------------------------------------- */

static void
greet(const struct frozen *f)
{
	cleanup_buf struct buf out = BUF_INIT;

	visible_add(&out, f->job);
	buf_add_str(&out, "  ");
	add_reason(f, &out);
	buf_add_str(&out, "\nIt stays as it is for a day, or until: pawl shell --end ");
	buf_add_shell_quoted(&out, f->job);
	(void)fprintf(stderr, "%s\n", buf_str(&out));
}

static int
open_shell(const struct args *args, const struct kept_jobs *jobs)
{
	size_t count = args_count(args);
	const struct frozen *f = NULL;
	const char **argv;

	if (count == 0 && jobs->count > 1) {
		cleanup_buf struct buf out = BUF_INIT;

		list_rows(jobs, &out);
		(void)fprintf(stderr, "pawl: which one?\n%s", buf_str(&out));
		return EXIT_INVALID;
	}
	if (count == 0 && jobs->count == 0) {
		(void)fprintf(stderr,
		    "pawl: no job is kept; `pawl run --keep-failed` keeps what fails\n");
		return EXIT_INVALID;
	}
	f = count == 0 ? &jobs->items[0] : find(jobs, args_word(args, 0));
	if (f == NULL)
		return EXIT_INVALID;
	if (count <= 1 && frozen_shell_is_interactive())
		greet(f);
	argv = arena_calloc(jobs->arena, count + 1, sizeof(*argv));
	for (size_t i = 1; i < count; i++)
		argv[i - 1] = args_word(args, i);
	return frozen_shell(f, argv, count > 0 ? count - 1 : 0);
}

static int
run(const struct args *args)
{
	cleanup_arena struct arena *arena = arena_new();
	struct kept_jobs jobs = { .arena = arena };
	int rc = load(args, &jobs);

	if (rc != EXIT_OK)
		return rc;
	if (args_has(args, "end"))
		return args_count(args) > 0 ? end_named(args, &jobs) : end_all(&jobs);
	if (args_has(args, "list"))
		return list(args, &jobs);
	return open_shell(args, &jobs);
}

const struct command command_shell = {
	.name = "shell",
	.usage = "[JOB] [-- COMMAND…]",
	.summary = "open a shell in what a failed job left",
	.description =
	    "`pawl run --keep-failed` leaves a failed job as it was: its workspace with all that was "
	    "written, its sandbox or container, its services. This opens a shell in there, "
	    "with the job's variables, or runs the command. Without JOB it is the one job that is "
	    "kept.\n\n"
	    "Variables that the script itself has set are not there; what it left "
	    "running was ended.\n\n"
	    "A job is kept until `pawl shell --end`, until it runs again, or for a day after "
	    "somebody last looked. Exits with what the shell or the command exits with.",
	.options = options,
	.run = run,
};
