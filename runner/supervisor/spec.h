/*
 * What a runner tells the supervisor of one job: plain data, written into a sealed
 * memory file by spec_write() and read by spec_read() in the other process. It never
 * lies on a disk, because it holds secrets.
 *
 * The text is a row of records "KEY LENGTH\nBYTES\n", binary safe; the first is the
 * version, the last is "end". Unknown keys are an error: a spec comes from the very
 * release that started the supervisor.
 */
#ifndef RUNNER_SUPERVISOR_SPEC_H
#define RUNNER_SUPERVISOR_SPEC_H

#include "base/buf.h"
#include "base/str.h"
#include "executors/cage.h"
#include "executors/limits.h"

#define SPEC_VERSION 1
#define SPEC_MAX_BYTES (256u << 20)

/* The supervisor's open files, besides 0, 1 and 2. */
enum spec_fd {
	SPEC_FD_SOCKET = 3,
	SPEC_FD_SPEC = 4,
	SPEC_FD_LOCK = 5,
	SPEC_FD_PROGRAM = 6, /* the cage's open_program, when it has one */
};

/* In the folder of an untied job; SOCK_SEQPACKET, for a runner that comes later. */
#define SPEC_SOCKET_NAME "sock"

enum spec_mode {
	SPEC_PLAIN,   /* project_dir is an existing folder; no mount namespace */
	SPEC_BIND,    /* source is mounted on project_dir */
	SPEC_OVERLAY, /* lowers and upper are mounted on project_dir */
	SPEC_MODE_COUNT
};

/* A file-type variable: its content lies in memory only, name is set to its path. */
struct spec_file {
	const char *name;
	struct bytes content;
};

/* One shell of the job. Steps run in order. */
struct spec_step {
	const char *name;      /* "script" */
	struct bytes headline; /* written to the trace before it starts */
	struct bytes script;   /* what the shell gets */
	struct strlist items;  /* the echo of each script item, in order */
	int64_t timeout_ms;    /* of this step alone; 0: none */
	bool always;           /* also after a step failed or timed out */
	bool on_cancel;        /* also after a graceful cancel */
	bool ignore_failure;   /* its failure is a warning in the trace */
	bool own_clock;        /* the job's timeout does not count for it */
};

struct spec {
	/* absolute; upper, work and SPEC_BIND's source lie in it. That of a tied job goes
	 * with the job, so the trace lies elsewhere
	 */
	const char *job_dir;
	const char *trace;  /* the spool */
	bool continues;     /* it has begun: what is in it stays */
	const char *marker; /* in the environment of every process of the job */

	enum spec_mode mode;
	bool userns;             /* an ordinary user needs one to mount */
	const char *project_dir; /* where the job runs; exists */
	const char *source; /* SPEC_BIND; SPEC_PLAIN: a folder project_dir is in, moved to
			       job_dir at the end; NULL: none */
	struct strlist lowers; /* SPEC_OVERLAY; the top one first */
	const char *upper, *work;

	struct strlist cgroups; /* where its control group may be: "KIND=PATH" */
	struct limits limits;
	const char *usage; /* the file of samples (recorder.h); NULL: none is kept */

	struct cage cage;   /* where steps run, and by what shell */
	struct strlist env; /* "K=V", later duplicates win */
	struct spec_file *files;
	size_t file_count, file_cap;
	struct bytes *masks; /* secrets as they are; forms are derived */
	size_t mask_count, mask_cap;
	struct spec_step *steps;
	size_t step_count, step_cap;

	int64_t timeout_ms; /* of the job, from its first step on; 0: none */
	int64_t grace_ms;   /* between SIGTERM and SIGKILL when canceled */
	bool tied;          /* the job ends when the runner's end of the socket closes */
	bool hold;          /* wait for the runner's word before the first step */
	bool collect;       /* wait for the runner after the last step */
	bool keep_failed;   /* what failed stays for a while (kept.h); a tied one */
	const char *last_line; /* of the trace when all went well; the runner is then not
				  waited for. NULL: none */

	char *storage; /* what spec_read() points into; NULL in a spec being written */
};

#define SPEC_INIT                                                                        \
	{                                                                                \
		.job_dir = NULL                                                          \
	}

/* Frees the lists and storage; strings pointed to stay their owner's. */
void spec_clear(struct spec *spec);

/* A new step at the end; valid until the next one is added. */
struct spec_step *spec_add_step(struct spec *spec, const char *name);
void spec_add_file(struct spec *spec, const char *name, const char *content, size_t len);
void spec_add_mask(struct spec *spec, const char *secret, size_t len);

/* Append the spec's text to out. */
void spec_write(const struct spec *spec, struct buf *out);

/*
 * Read a spec from text, which is taken over (malloced, with a NUL after len) and freed
 * by spec_clear(), also on failure. ERR_INVALID names the record that is wrong.
 */
MUST_CHECK int spec_read(char *text, size_t len, struct spec *out, struct error *err);

#endif
