/*
 * One job under its supervisor: what the files of pawl-supervise share. Single-threaded;
 * whoever waits calls supervision_pump(), which deals with everything that may happen
 * meanwhile, so the steps can be written down in the order they run.
 */
#ifndef RUNNER_SUPERVISOR_SUPERVISION_H
#define RUNNER_SUPERVISOR_SUPERVISION_H

#include <poll.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "runner/supervisor/cage_process.h"
#include "runner/supervisor/cgroup.h"
#include "runner/supervisor/echo_watch.h"
#include "runner/supervisor/kept_wire.h"
#include "runner/supervisor/network.h"
#include "runner/supervisor/recorder.h"
#include "runner/supervisor/spec.h"
#include "runner/supervisor/trace.h"
#include "runner/supervisor/wire.h"

/* One service of the job, services.c. */
struct service {
	struct cage_process process;
	int output; /* of all that runs in it; -1: at its end */
	struct buf tail;
	struct buf line; /* shown when its end has come */
	bool asked;      /* its health check was started */
	enum service_state {
		SERVICE_STARTS,
		SERVICE_RUNS,
		SERVICE_READY,
		SERVICE_FAILED
	} state;
};

/* A pawl shell that looks into the job, kept.c. */
struct kept_client {
	int socket; /* -1: it is gone */
	bool runs;  /* what it has started */
	pid_t pid;  /* of that, when it is our own child; 0: it is in the cage */
};

#define KEPT_CLIENT_INIT                                                                 \
	{                                                                                \
		.socket = -1                                                             \
	}

struct kept {
	bool is_open; /* the job is over, and pawl shell may come */
	bool ends, ends_when_alone;
	struct kept_client clients[KEPT_SHELLS];
};

struct supervision {
	struct spec spec;
	struct trace trace;
	struct echo_watch watch;
	struct wire_result result;

	int socket;     /* to the runner; -1 once it is closed */
	int listener;   /* where a later runner knocks; -1: a tied job has none */
	unsigned asked; /* the question a runner has to answer; 0: none */
	int signals, output, output_end;
	char *output_buf;
	int64_t read_after_ms; /* small pieces of output are gathered until then */

	pid_t shell; /* of the running step, when it is our own child; 0: none */
	bool step_runs;
	int shell_status;
	bool childless; /* nothing of the job is left to wait for */

	struct cage_process cage; /* what is around the job, when something is */
	struct service *services; /* those that were started, as in spec.cage */
	size_t service_count;
	struct network network;
	struct cgroup cgroup;
	struct buf cgroup_words; /* what does not hold, for the log */
	struct recorder recorder;
	struct sample of_services; /* that have ended, where an engine had them */
	char short_of[400];        /* why the job was short of memory; "": it was not */
	struct network_uplink uplink;
	struct kept kept;

	/* what the runner, or its silence, asks for */
	bool started, canceled, killed, finished;
	bool orphaned; /* there is no runner, for now or for good */

	/* messages that wait for room in the socket */
	unsigned unsent; /* 1 << enum wire_type */
	uint32_t step;
	uint64_t told_bytes; /* the spool's length in the last message */

	int64_t deadline_ms; /* of the job; INT64_MAX: none */
	bool ran_out;        /* of that time */
	char *files_dir;     /* of the file variables; NULL: none */
	char *files_root;    /* the folder around it, when there is one; else NULL */
	bool is_mounted, files_mounted;
	size_t mounted; /* of spec.cage.mounts */
};

int64_t supervision_now_ms(void); /* a clock nobody sets */

/* pump.c: signals, output and messages */
MUST_CHECK int supervision_open(struct supervision *s, struct error *err);
void supervision_close(struct supervision *s);

/* An untied job: whoever connects to SPEC_SOCKET_NAME in its folder once the runner is
 * gone is the runner from then on. */
MUST_CHECK int supervision_listen(struct supervision *s, struct error *err);

/* Wait for something to happen, no longer than until_ms, and deal with it. */
void supervision_pump(struct supervision *s, int64_t until_ms);

/* Take what lies in the pipe now; processes that still hold it are not waited for. */
void supervision_drain(struct supervision *s);

/* Send it now or as soon as there is room; a message sent again replaces the first. */
void supervision_tell(struct supervision *s, enum wire_type type);

/* Wait for the runner to take the last message, but not for ever. */
void supervision_flush(struct supervision *s);

/* place.c: where the job runs */
MUST_CHECK int supervision_enter_place(struct supervision *s, struct error *err);
MUST_CHECK int supervision_leave_place(struct supervision *s, struct error *err);

/* A path that cannot be one's own alone is the next job's, once nobody works there. */
MUST_CHECK int supervision_free_path(const struct supervision *s, struct error *err);

/*
 * The mount goes, and what was written: for another try in the same folder. Otherwise a
 * mount ends with the last process that sees it, for less than half of what it costs to
 * remove it before, and nobody waits.
 */
MUST_CHECK int supervision_clear_place(struct supervision *s, struct error *err);

/*
 * cage.c: the sandbox or container of a job that wants one; supervision_spawn() starts
 * the steps in it.
 */
MUST_CHECK int cage_start(struct supervision *s, struct error *err);
MUST_CHECK int cage_run(struct supervision *s, char *const *argv, char *const *env,
    int script, struct error *err);
void cage_heard(struct supervision *s); /* pawl-init has said something */
void cage_on_exit(struct supervision *s, int status);
/* What steps will be started with, for a program that has to know it before. */
MUST_CHECK int cage_say_hello(
    struct supervision *s, struct cage_process *to, struct error *err);
/* For the programs around cages; freed by supervision_free_strings(). */
char **cage_environment(const struct supervision *s);
void cage_end(struct supervision *s); /* it goes, with all that is in it */

/* services.c: started and waited for; one that does not come up is a warning */
MUST_CHECK int services_start(struct supervision *s, struct error *err);
void services_read(struct supervision *s, size_t i); /* its output has news */
void services_end(struct supervision *s);

/* steps.c: the shells, one after the other */
void supervision_run_steps(struct supervision *s);

/* When the job's time was over: the last line of its log. */
void supervision_log_timeout(struct supervision *s);

/* SIGTERM for all processes of the job, SIGKILL after grace_ms, until none is left. */
void supervision_kill_all(struct supervision *s, int64_t grace_ms);

/* kept.c: what failed stays there to be looked at; see kept_wire.h */
#define KEPT_POLLS (1 + KEPT_SHELLS)
bool kept_is_wanted(const struct supervision *s);
MUST_CHECK int kept_open(struct supervision *s, struct error *err);
void kept_stay(struct supervision *s); /* until it need not be kept any more */
void kept_fill_polls(const struct supervision *s, struct pollfd fds[KEPT_POLLS]);
void kept_on_polls(struct supervision *s, const struct pollfd fds[KEPT_POLLS]);
void kept_reaped(struct supervision *s, pid_t pid, int status);

/* spawn.c. The shell's pid, or a negative code. */
MUST_CHECK int supervision_spawn(
    struct supervision *s, const struct spec_step *step, struct error *err);

/* environ.c: what a step's shell is started with, a list that ends with NULL */
char **supervision_environment(const struct supervision *s, const struct spec_step *step);
void supervision_free_strings(char **list);

/* result.c */
void supervision_fail(
    struct supervision *s, enum wire_verdict verdict, const char *fmt, ...) PRINTF(3, 4);
MUST_CHECK int supervision_write_result(const struct supervision *s, struct error *err);

#endif
