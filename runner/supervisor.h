/*
 * The runner's side of one supervised job: starts pawl-supervise, listens to it, passes
 * words on. Lives on the loop thread. After supervisor_start() the job comes back exactly
 * once, through on_done, from the loop; then it may be freed, while the loop still reaps
 * the process.
 */
#ifndef RUNNER_SUPERVISOR_H
#define RUNNER_SUPERVISOR_H

#include "protocol/reason.h"
#include "runner/supervisor/spec.h"

struct launcher; /* runner/launcher.h */
struct supervisor;
struct uv_loop_s;

struct supervisor_result {
	enum reason reason; /* REASON_NONE: all steps ended well */
	char message[512];  /* "" on success */
	int exit_code;      /* of the step that failed; 128 + signal */
	int signal;         /* that ended it; 0: none */
	int step, item;     /* that failed, as indexes into the spec; -1: none, unknown */
	bool workspace_failed; /* nothing was started: another kind may do */
	bool tidies_up;        /* a tied one; removes the job's folder by itself */
	bool kept;             /* not yet: it can be looked at (supervisor/kept_wire.h) */
	uint64_t trace_bytes;
	uint32_t trace_crc32;
	int64_t started_us, finished_us; /* since 1970 */
	int64_t duration_us, cpu_us, peak_rss_bytes, read_bytes, written_bytes;
};

/* Any of them may be NULL. workspace_fd is the callee's to close. */
struct supervisor_events {
	/* spec.hold: the workspace stands; supervisor_begin() lets the job begin */
	void (*on_ready)(struct supervisor *s, int workspace_fd, void *data);
	void (*on_step)(struct supervisor *s, unsigned step, void *data);
	/* so many bytes of the spool are final */
	void (*on_trace)(struct supervisor *s, uint64_t trace_bytes, void *data);
	/* spec.collect: the steps are over and no process is left; the workspace stays as
	 * it is until supervisor_finish()
	 */
	void (*on_collect)(struct supervisor *s, int workspace_fd,
	    const struct supervisor_result *so_far, void *data);
	/* all of trace_bytes can be read; unless it tidies_up, the job folder is the
	 * runner's again
	 */
	void (*on_done)(
	    struct supervisor *s, const struct supervisor_result *result, void *data);
	void *data;
};

/* launcher outlives it; NULL: pawl-supervise is started as a program. */
struct supervisor *supervisor_new(struct uv_loop_s *loop, struct launcher *launcher,
    const struct supervisor_events *events);

/*
 * Start the job. spec is read before this returns; lock_fd is the held lock of the job
 * folder (runner/jobdir.h), of which the supervisor gets its share. Failures, early ones
 * included, arrive through on_done.
 */
void supervisor_start(struct supervisor *s, const struct spec *spec, int lock_fd);

/* A socket to the supervisor of the job in this folder. ERR_MISSING: none listens. */
MUST_CHECK int supervisor_knock(const char *job_dir, struct error *err);

/*
 * Instead of supervisor_start(): take over an untied job whose runner is gone; job_dir,
 * marker and trace are those of its spec. ERR_MISSING: no supervisor listens there (any
 * more); nothing was started then.
 */
MUST_CHECK int supervisor_adopt(struct supervisor *s, const char *job_dir,
    const char *marker, const char *trace, struct error *err);

/* Text for the log, masked like everything else; in order with begin and finish. */
void supervisor_log(struct supervisor *s, const char *text, size_t len);
void supervisor_begin(struct supervisor *s);  /* answers on_ready */
void supervisor_finish(struct supervisor *s); /* answers on_collect */

/* Graceful: the running step ends, those marked on_cancel follow. force: all ends now.
 * Harmless when repeated, or when the job has ended.
 */
void supervisor_cancel(struct supervisor *s, bool force);

/*
 * Before start or after on_done. Of an untied job also between: it goes on by itself, and
 * nothing more is heard of it.
 */
void supervisor_free(struct supervisor *s);

#endif
