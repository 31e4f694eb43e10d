/* pawl artifacts: what jobs on the server left. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/visible.h"
#include "cli/commands.h"
#include "cli/server_session.h"
#include "cli/server_show.h"

static const struct option_row own_options[] = {
	{ 'o', "output", "FILE",
	    "write the archive there, - for standard output (default: its own name, here, "
	    "unless there is such a file)" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, server_pipeline_options,
	server_options, NULL };

/* ---- the list ---------------------------------------------------------------- */

static size_t
widest(const struct server_jobs *jobs)
{
	size_t width = 3;

	for (size_t i = 0; i < jobs->count; i++) {
		size_t n = visible_width(jobs->items[i].name);

		if (jobs->items[i].archive != NULL && n > width)
			width = n;
	}
	return width;
}

static int
list(struct server_session *s)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct server_pipeline pipeline;
	struct server_jobs jobs;
	int rc = server_session_given_pipeline(s, &pipeline);

	if (rc == EXIT_OK)
		rc = server_rows_jobs(&s->link, pipeline.id, s->link.arena, &jobs);
	if (rc != EXIT_OK)
		return rc;
	for (size_t i = 0; i < jobs.count; i++) {
		const struct server_job *job = &jobs.items[i];

		if (job->archive == NULL)
			continue;
		visible_add_padded(&out, job->name, widest(&jobs) + 2);
		buf_printf(&out, "%12" PRId64 " bytes  ", job->archive_bytes);
		visible_add(&out, job->archive);
		if (job->archive_expires_at != NULL) {
			buf_add_str(&out, "  until ");
			visible_add(&out, job->archive_expires_at);
		}
		buf_add_char(&out, '\n');
	}
	if (out.len == 0)
		(void)fprintf(stderr,
		    "pawl: no job of pipeline %" PRId64 " has artifacts\n", pipeline.id);
	(void)fwrite(buf_str(&out), 1, out.len, stdout);
	return EXIT_OK;
}

/* ---- one archive ------------------------------------------------------------- */

/* A stranger chose the name: it must not lead elsewhere, hide, or steer a terminal. */
static const char *
safe_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	name = slash != NULL ? slash + 1 : name;
	if (*name == '\0' || *name == '.' || *name == '-' || strlen(name) > 200)
		return "artifacts.zip";
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
			return "artifacts.zip";
	return str_utf8_valid(name, strlen(name)) == strlen(name) ? name
								  : "artifacts.zip";
}

struct download {
	int fd;
	int error; /* errno of the first write that failed */
	int64_t bytes;
};

static bool
on_bytes(const char *bytes, size_t len, void *data)
{
	struct download *d = data;

	if (path_write_fd(d->fd, bytes, len) < 0)
		d->error = errno;
	d->bytes += (int64_t)len;
	return d->error == 0;
}

static int
fetch(struct server_session *s, const struct server_job *job, const char *where,
    struct download *d)
{
	struct server_link *l = &s->link;
	const char *path = arena_printf(l->arena,
	    "/api/v4/projects/%s/jobs/%" PRId64 "/artifacts", l->project, job->id);
	cleanup_server_reply struct server_reply r = SERVER_REPLY_INIT;

	server_call(l,
	    &(struct server_call){
		.path = path, .write = on_bytes, .data = d, .endless = true },
	    &r);
	if (d->error != 0) {
		(void)fprintf(
		    stderr, "pawl: cannot write %s: %s\n", where, strerror(d->error));
		return EXIT_FAULT;
	}
	if (server_reply_is_ok(&r))
		return EXIT_OK;
	return server_link_fail(l, &r,
	    arena_printf(l->arena, "cannot get the artifacts of %s",
		server_show_text(job->name, l->arena)));
}

static int
fail(const char *what, const char *path)
{
	(void)fprintf(stderr, "pawl: %s %s: %s\n", what, path, strerror(errno));
	return EXIT_FAULT;
}

/* Under another name until all of it is there. */
static int
fetch_file(struct server_session *s, const struct server_job *job, const char *path)
{
	cleanup_free char *part = xasprintf("%s.part", path);
	struct download d = { .fd = open(part,
				  O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
				  0666) };
	int rc;

	if (d.fd < 0)
		return fail("cannot write", part);
	rc = fetch(s, job, part, &d);
	if (close(d.fd) < 0 && rc == EXIT_OK)
		rc = fail("cannot write", part);
	if (rc == EXIT_OK && rename(part, path) < 0)
		rc = fail("cannot write", path);
	if (rc != EXIT_OK) {
		(void)unlink(part);
		return rc;
	}
	printf("%s: %" PRId64 " bytes\n", server_show_text(path, s->link.arena), d.bytes);
	return EXIT_OK;
}

static int
get(struct server_session *s, const struct args *args)
{
	const char *path = args_value(args, "output");
	struct download to_stdout = { .fd = STDOUT_FILENO };
	struct server_job job;
	int rc = server_session_job(s, args_word(args, 0), &job);

	if (rc != EXIT_OK)
		return rc;
	if (path != NULL && str_eq(path, "-"))
		return fetch(s, &job, "standard output", &to_stdout);
	if (path != NULL)
		return fetch_file(s, &job, path);
	path = safe_name(job.archive != NULL ? job.archive : "");
	if (access(path, F_OK) == 0) {
		(void)fprintf(stderr,
		    "pawl: there is a file %s already; say -o FILE to write another, or over "
		    "it\n",
		    path);
		return EXIT_INVALID;
	}
	return fetch_file(s, &job, path);
}

static int
run(const struct args *args)
{
	cleanup_server_session struct server_session s = SERVER_SESSION_INIT;
	int rc;

	if (args_count(args) > 1)
		return command_usage_error(args, "takes one job");
	if (args_count(args) == 0 && args_has(args, "output"))
		return command_usage_error(args, "-o wants a job whose artifacts to get");
	rc = server_session_open(&s, args);
	if (rc != EXIT_OK)
		return rc;
	return args_count(args) == 0 ? list(&s) : get(&s, args);
}

const struct command command_artifacts = {
	.name = "artifacts",
	.usage = "[JOB]",
	.summary = "list or download what jobs on the server left",
	.description =
	    "Downloads the archive of JOB, a name in the latest pipeline of HEAD or of this "
	    "branch, or a job's id. Without a job it lists which jobs of that pipeline have "
	    "artifacts, with their size, name, and how long they are kept.",
	.options = options,
	.run = run,
};
