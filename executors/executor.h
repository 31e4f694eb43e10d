/*
 * Where a script runs. An executor turns "run this job, whose workspace lies here" into
 * a cage, which the job's supervisor makes and starts the script in; it starts no process
 * of the job itself. One row of operations per executor, one file or folder each.
 */
#ifndef EXECUTORS_EXECUTOR_H
#define EXECUTORS_EXECUTOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/arena.h"
#include "base/error.h"
#include "executors/cage.h"
#include "executors/limits.h"
#include "protocol/job.h"
#include "protocol/reason.h"

/* How a runner wants its executors; the caller's, outlives them. */
struct executor_settings {
	bool offline;           /* jobs have no network but their own loopback */
	const char *images_dir; /* where images are kept */
	/* Names of images may be files, relative to this folder; NULL: never, because who
	 * wrote them must not name files of this machine. */
	const char *local_images_dir;
	const char *pull_policy; /* of jobs that ask for none; NULL: if-not-present */
	const char *runtime;     /* the OCI runtime's path; NULL: what is found */
	const struct custom_settings *custom; /* NULL: there is no driver */
	/* executors/container/image_store.h; NULL: nothing was said */
	const struct image_registries *registries;
	/* The engine of the executor docker, as of engine_open(); NULL: the usual one. */
	const char *docker_host, *docker_cert_dir;
	const char *docker_network; /* the engine's word for it; NULL: its usual one */
	const char *const *volumes; /* of containers, as of volume_parse() */
	size_t volume_count;
	bool privileged;      /* containers: root in there is root of the machine */
	struct limits limits; /* of each job */
};

/* One job, as an executor sees it. Everything is the caller's. */
struct executor_job {
	const struct job_payload *payload;
	const char *image;                 /* its name, variables replaced; "": none */
	const char *const *service_images; /* the same of its services */
	struct limits limits; /* its own; who runs it elsewhere has to see to them */
	int64_t slot;         /* CI_CONCURRENT_ID: no other job's at the same time */
	/* Of this job alone and gone with it; what the cage needs on disk lies below. */
	const char *job_dir;
	/* The workspace, as the supervisor sees it when it makes the cage. */
	const char *work_dir;
	/* Where the job shall see it; NULL: the executor has its say. */
	const char *project_dir;
	const char *project_name;    /* "group/project", safe in a path */
	const struct strlist *shown; /* folders the workspace refers to; read-only */
	bool userns;                 /* the supervisor will be in a user namespace */
	/* Its control group from the top of version 2's on, "/…/pawl-job-…", where that
	 * is all there is; NULL: elsewhere, or it has none. */
	const char *group;
	struct arena *arena; /* for what the cage points to */
	/* What takes long, for the log: a line without its end. May be NULL. */
	void (*say)(const char *line, void *data);
	void *data;
	const atomic_bool *cancel; /* may be NULL */
	/* Filled in here: */
	enum reason reason;       /* of a failure to prepare it */
	const char *image_digest; /* of the image it was given; in the arena, or NULL */
	const char *hosts_file,
	    *resolver_file; /* /etc/hosts, /etc/resolv.conf of its cage */
};

/* What a job's environment begins with. */
enum executor_env {
	EXECUTOR_ENV_MACHINE, /* the runner's own */
	EXECUTOR_ENV_CLEAN,   /* of that, what does not lead to this machine's services */
	EXECUTOR_ENV_OWN,     /* the cage's */
};

/* What all jobs of a process share. */
struct executor_machine {
	const struct executor_settings *settings;
	pthread_mutex_t lock;         /* for what follows */
	struct image_store *images;   /* opened at first use */
	struct runtime_copy *runtime; /* made at first use */
	struct strlist private_files; /* of root alone, as they were found */
	time_t private_files_until;   /* when they are looked for again */
};

/* What a job's workspace has to be. */
enum executor_place {
	EXECUTOR_PLACE_ANY,
	EXECUTOR_PLACE_COPY, /* a folder anybody on this machine can see: nothing mounted
			      */
	/* not on this machine: scripts get the sources and caches there; artifacts
	 * are neither brought nor kept */
	EXECUTOR_PLACE_ELSEWHERE,
};

struct executor {
	const char *name; /* as -x takes it */
	const char *summary;

	/* Can this executor work on this machine? ERR_ENVIRONMENT says what is missing.
	 */
	int (*probe)(const struct executor_settings *settings, struct error *err);

	/* Can it run this job? (a job with an image needs containers) */
	int (*accepts)(
	    const struct job_payload *job, bool chosen_by_user, struct error *err);

	/* Fill the empty cage out. On any thread; on a worker's when it is slow. */
	int (*prepare)(struct executor_machine *machine, struct executor_job *job,
	    struct cage *out, struct error *err);
	bool is_slow;
	bool has_services; /* a job can have services beside it */

	enum executor_env env;
	enum executor_place place;
	/* what CI_SHARED_ENVIRONMENT / CI_DISPOSABLE_ENVIRONMENT tell the job */
	bool is_shared;
};

/* CI_BUILDS_DIR in a cage. */
#define EXECUTOR_BUILDS "/builds"

/* Where a cage shows the workspace: where the job wants it, or as GitLab's containers do.
 */
void executor_set_paths(const struct executor_job *job, struct cage *out);

/* Make and return name below dir; in the job's arena. NULL: err says why. */
char *executor_folder(const struct executor_job *job, const char *dir, const char *name,
    mode_t mode, struct error *err);

/* Every executor, ending with NULL, in the order help shows them. */
const struct executor *const *executor_all(void);

/* ---- choosing one ---------------------------------------------------------- */

/* The executors of one runner. After executors_new() any thread may use them. */
struct executors;

/*
 * name is that of one, or "auto": for each job what suits it and works here. NULL: what
 * $PAWL_EXECUTOR says, or "auto". ERR_INVALID: there is none of that name;
 * ERR_ENVIRONMENT: it cannot work here.
 */
MUST_CHECK int executors_new(const struct executor_settings *settings, const char *name,
    struct executors **out, struct error *err);
void executors_free(struct executors *e);

/* The one this job runs by; ERR_ENVIRONMENT says why there is none. May ask an engine
 * whether it is there, once. */
MUST_CHECK int executors_pick(struct executors *e, const struct job_payload *job,
    const struct executor **out, struct error *err);

MUST_CHECK int executors_prepare(struct executors *e, const struct executor *by,
    struct executor_job *job, struct cage *out, struct error *err);

/* Should it be prepared on a worker? */
bool executors_is_slow(const struct executor *by, const struct job_payload *job);

/* The name it was chosen by. */
const char *executors_name(const struct executors *e);

/* What users should hear once: that and why jobs run unprotected. NULL: nothing. */
const char *executors_notice(const struct executors *e);

#endif
