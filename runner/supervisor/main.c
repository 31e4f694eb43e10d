/*
 * pawl-supervise: owns one job, from its workspace to its result. Started by the runner
 * for each job (runner/launcher.h) with the open files of enum spec_fd, or forked off one
 * that stands ready (fork_server.h); never by hand. Links libc only, so that starting it
 * costs about as much as starting a shell.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "executors/container/runtime.h"
#include "runner/supervisor/fork_server.h"
#include "runner/supervisor/usage.h"

/* What stayed behind after the last step is asked to go, and then made to. */
#define LEFTOVER_GRACE_MS 1000

/* A question to the runner stays open that long while there is none. */
#define ORPHAN_LIMIT_MS (60 * 60 * 1000)

/*
 * One growth of the heap is enough for most jobs, and what is freed is soon used again:
 * each move of its end costs as much as ten calls of another kind.
 */
#define HEAP_STEP (256 << 10)
#define HEAP_KEPT (4 << 20)

static int
read_spec(struct spec *spec, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len, done = 0;
	struct stat st;

	if (fstat(SPEC_FD_SPEC, &st) < 0)
		return error_errno(err, "cannot read the spec");
	if (st.st_size < 0 || st.st_size > (off_t)SPEC_MAX_BYTES)
		return error_set(
		    err, ERR_LIMIT, "the spec is larger than %u bytes", SPEC_MAX_BYTES);
	len = (size_t)st.st_size;
	text = xmalloc(len + 1);
	while (done < len) {
		ssize_t n = pread(SPEC_FD_SPEC, text + done, len - done, (off_t)done);

		if (n <= 0)
			return error_errno(err, "cannot read the spec");
		done += (size_t)n;
	}
	text[len] = '\0';
	close(SPEC_FD_SPEC);
	return spec_read(take(text), len, spec, err);
}

/* Only what the runner handed over, and nothing of it for the job's processes. */
static int
guard_files(struct error *err)
{
	static const int fds[] = { SPEC_FD_SOCKET, SPEC_FD_SPEC, SPEC_FD_LOCK };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0)
			return error_set(err, ERR_INVALID,
			    "pawl-supervise is started by pawl, not by hand");
	(void)fcntl(SPEC_FD_PROGRAM, F_SETFD, FD_CLOEXEC);
	close_range(SPEC_FD_PROGRAM + 1, ~0u, 0);
	return 0;
}

static int
prepare(struct supervision *s, struct error *err)
{
	/* whatever daemonises becomes our child and cannot get away */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return error_errno(err, "cannot become a sub-reaper");
	return supervision_enter_place(s, err);
}

/*
 * Give the runner the workspace and wait for its answer. An untied job waits for another
 * runner when its own has died, but not for ever.
 */
static void
await_runner(struct supervision *s, enum wire_type question, const bool *answered)
{
	int64_t until_ms = INT64_MAX;

	s->asked = 1u << question;
	supervision_tell(s, question);
	while (!*answered && !s->killed && !(s->orphaned && s->spec.tied)) {
		if (!s->orphaned)
			until_ms = supervision_now_ms() + ORPHAN_LIMIT_MS;
		else if (supervision_now_ms() >= until_ms)
			break;
		supervision_pump(s, s->orphaned ? until_ms : INT64_MAX);
	}
	s->asked = 0;
	if (!*answered && !s->killed && !s->spec.tied)
		supervision_fail(s, WIRE_SYSTEM_FAILURE,
		    "the runner was away for longer than %d minutes",
		    ORPHAN_LIMIT_MS / 60000);
}

/* No process of the job is left after this, nor what was around them. */
static void
end_processes(struct supervision *s)
{
	supervision_kill_all(s, LEFTOVER_GRACE_MS);
	if (s->cage.pid != 0)
		cage_end(s);
	services_end(s);
	network_uplink_end(&s->uplink);
	network_close(&s->network);
	supervision_kill_all(s, LEFTOVER_GRACE_MS);
	cgroup_kill(&s->cgroup);
}

static void
run(struct supervision *s)
{
	if (s->spec.hold)
		await_runner(s, WIRE_READY, &s->started);
	supervision_run_steps(s);
	if (kept_is_wanted(s))
		supervision_kill_all(s, LEFTOVER_GRACE_MS);
	else
		end_processes(s);
	supervision_drain(s);
	usage_sum(s);
	supervision_log_timeout(s);
}

/*
 * Let the runner collect, and end the trace. Without a workspace there is nothing to
 * collect, and maybe another try.
 */
static void
hand_back(struct supervision *s)
{
	const char *last = s->spec.last_line;

	if (s->killed || s->result.verdict == WIRE_WORKSPACE_FAILURE)
		return;
	if (last != NULL && s->result.verdict == WIRE_SUCCESS)
		trace_add(&s->trace, last, strlen(last));
	else if (s->spec.collect)
		await_runner(s, WIRE_COLLECT, &s->finished);
}

static void
close_log(struct supervision *s)
{
	trace_flush(&s->trace);
	s->result.trace_crc32 = crc32_value(&s->trace.crc);
	trace_close(&s->trace);
}

static int
remove_all(struct supervision *s, struct error *err)
{
	int rc;

	usage_close(s);
	rc = supervision_leave_place(s, err);
	if (s->spec.cage.argv.count > 0)
		runtime_sweep(s->spec.job_dir);
	/* what resists is left to a sweep */
	return rc < 0 ? rc : path_remove_tree(AT_FDCWD, s->spec.job_dir, err);
}

/* The runner hears first: its next job begins while this one's leftovers go. */
static int
conclude_tied(struct supervision *s, struct error *err)
{
	supervision_tell(s, WIRE_RESULT);
	supervision_flush(s);
	return remove_all(s, err);
}

/* The same, with a long while between the two. */
static int
conclude_kept(struct supervision *s, struct error *err)
{
	int rc;

	close_log(s);
	s->result.kept = true;
	supervision_tell(s, WIRE_RESULT);
	supervision_flush(s);
	kept_stay(s);
	end_processes(s);
	rc = supervision_free_path(s, err);
	return rc < 0 ? rc : remove_all(s, err);
}

static bool
can_be_kept(struct supervision *s)
{
	struct error err = ERROR_INIT;

	if (!kept_is_wanted(s))
		return false;
	if (kept_open(s, &err) == 0)
		return true;
	trace_printf(&s->trace,
	    "\033[0;33mWARNING: the failed job cannot be kept: %s\033[0;m\n", err.msg);
	return false;
}

/*
 * The file is for a runner that comes later; what goes wrong here is part of it. The
 * folder is the runner's to remove. It keeps it for another try when nothing could run.
 */
static void
conclude_for_runner(struct supervision *s)
{
	struct error err = ERROR_INIT;
	int rc = supervision_leave_place(s, &err);

	usage_close(s);
	if (rc == 0 && s->result.verdict == WIRE_WORKSPACE_FAILURE)
		rc = supervision_clear_place(s, &err);
	if (rc < 0)
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "%s", err.msg);
	if (!s->spec.tied && supervision_write_result(s, &err) < 0)
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "%s", err.msg);
	supervision_tell(s, WIRE_RESULT);
	supervision_flush(s);
}

/* Without a workspace nothing ran: the runner tries another kind in the same folder. */
static int
conclude(struct supervision *s, struct error *err)
{
	int rc;

	if (can_be_kept(s))
		return conclude_kept(s, err);
	if (s->cage.pid != 0 || !s->childless)
		end_processes(s); /* it was to be kept, until somebody canceled it */
	rc = supervision_free_path(s, err);
	close_log(s);
	if (rc < 0)
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "%s", err->msg);
	if (s->spec.tied && (s->orphaned || s->result.verdict != WIRE_WORKSPACE_FAILURE))
		return conclude_tied(s, err);
	conclude_for_runner(s);
	return 0;
}

static int
supervise(struct supervision *s, struct error *err)
{
	if (guard_files(err) < 0 || read_spec(&s->spec, err) < 0)
		return err->code;
	if (s->spec.cage.open_program == NULL)
		close(SPEC_FD_PROGRAM); /* somebody else's, if it is open at all */
	for (size_t i = 0; i < s->spec.mask_count; i++)
		mask_add(&s->trace.mask, s->spec.masks[i].data, s->spec.masks[i].len);
	if (trace_open(&s->trace, s->spec.trace, s->spec.continues, err) < 0 ||
	    supervision_open(s, err) < 0)
		return err->code;
	if (!s->spec.tied && supervision_listen(s, err) < 0)
		return err->code;
	usage_open(s);
	if (prepare(s, err) < 0)
		supervision_fail(s, WIRE_WORKSPACE_FAILURE, "%s", err->msg);
	else
		run(s);
	hand_back(s);
	return conclude(s, err);
}

int
main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct supervision s = {
		.spec = SPEC_INIT,
		.trace = TRACE_INIT,
		.watch = ECHO_WATCH_INIT,
		.result = { .step = -1, .item = -1 },
		.socket = SPEC_FD_SOCKET,
		.listener = -1,
		.signals = -1,
		.output = -1,
		.output_end = -1,
		.cage = CAGE_PROCESS_INIT,
		.network = { .home = -1 },
		.uplink = NETWORK_UPLINK_INIT,
		.cgroup = CGROUP_INIT,
		.recorder = RECORDER_INIT,
		.childless = true,
		.deadline_ms = INT64_MAX,
	};
	int rc;

#ifdef __GLIBC__
	(void)mallopt(M_TOP_PAD, HEAP_STEP);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
#endif
	if (argc > 1 && str_eq(argv[1], FORK_SERVER_OPTION) && !fork_server_run(argv[1]))
		return 0;
	rc = supervise(&s, &err);
	if (rc < 0)
		(void)fprintf(stderr, "pawl-supervise: %s\n", err.msg);
	usage_close(&s);
	supervision_close(&s);
	trace_close(&s.trace);
	echo_watch_clear(&s.watch);
	spec_clear(&s.spec);
	free(s.files_dir);
	free(s.files_root);
	return rc < 0;
}
