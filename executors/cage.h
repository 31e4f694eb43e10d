/*
 * What an executor wants around a job's steps: plain data, which the runner hands to the
 * job's supervisor. Strings but those in lists are the maker's and outlive it. Links libc
 * only.
 */
#ifndef EXECUTORS_CAGE_H
#define EXECUTORS_CAGE_H

#include "base/str.h"

/* In the job's folder: file variables and such, in memory; bound to files_dir. */
#define CAGE_FILES_NAME "files"

/* In the environment of a program that is on_host. */
#define CAGE_FILES_VARIABLE "PAWL_FILES_DIR"

enum cage_mount_kind {
	CAGE_MOUNT_OVERLAY, /* of lowers, upper and work */
	CAGE_MOUNT_BIND,    /* of the folder source */
	CAGE_MOUNT_HIDE,    /* of nothing: an empty folder */
	CAGE_MOUNT_KIND_COUNT
};

/* What is mounted beside the workspace, where only the job's supervisor sees it. */
struct cage_mount {
	enum cage_mount_kind kind;
	const char *target; /* exists */
	const char *source;
	struct strlist lowers; /* the top one first */
	const char *upper, *work;
};

#define SERVICES_MAX 64 /* of a job */

/*
 * A service: a container beside the job, whose program runs until the job is over. All of
 * them and the job are in a network of their own.
 */
struct cage_service {
	const char *name;      /* as the job has it: "postgres:15" */
	struct strlist argv;   /* of the program that starts its pawl-init */
	struct bytes input;    /* it finds it at INIT_INPUT_FD */
	struct strlist run;    /* what runs in it */
	struct strlist env;    /* its own variables, beside the job's: "K=V" */
	const char *dir;       /* where it runs */
	const char *address;   /* in the job's network; NULL when the cage is on_host */
	struct strlist health; /* argv of its check; empty: none */
	/* Else, it is ready when one of them answers, in decimal; empty: at once. When
	 * the cage is on_host, the check looks at them. */
	struct strlist ports;
};

struct cage_held {
	void (*release)(void *thing);
	void *thing;
};

struct cage {
	/*
	 * argv of the program that encloses the job and starts pawl-init in there
	 * (executors/init/init.h). Empty: steps run beside the supervisor.
	 */
	struct strlist argv;
	struct bytes input; /* it finds it at INIT_INPUT_FD */
	/* Where argv of the job or of services begins with this, the supervisor has that
	 * program as an open file; NULL: with none of them. */
	const char *open_program;
	bool wants_hello; /* INIT_HELLO, before pawl-init is there */
	/*
	 * The program speaks with somebody outside: it gets this machine as it is, no
	 * namespace is made and nothing mounted. It wants INIT_HELLO, finds in
	 * CAGE_FILES_VARIABLE where files_dir really lies, in memory, and tidies up
	 * after its socket has ended. The same holds for those of the services, which
	 * make the network, too.
	 */
	bool on_host;
	/* The program makes a control group below the job's, which then may hold no
	 * process itself: it would keep the kernel from counting below it. */
	bool makes_group;
	int64_t start_ms, end_ms; /* it may take; 0: the usual */
	int64_t grace_ms; /* between SIGTERM and SIGKILL for a step; 0: the usual */
	struct cage_mount *mounts; /* in this order */
	size_t mount_count, mount_cap;

	const char *project_dir; /* the workspace as the job knows it */
	const char *files_dir;   /* CAGE_FILES_NAME as the job knows it */

	struct cage_service *services;
	size_t service_count, service_cap;
	int64_t service_wait_ms; /* how long they may take to be ready */
	bool shows_services;     /* their output goes into the job's log */
	/* With services: gives their network a way out (slirp4netns); NULL: it has none.
	 */
	const char *uplink;

	/* argv, to which "-c" and the script are added; empty: what is found there */
	struct strlist shell;

	/* Files that say, by a shared lock (flock), that what they stand for is in use.
	 */
	struct strlist locks;
	/* The workspace is to belong to them; by the ids of owns, false: it is right. */
	bool gives;
	int64_t uid, gid;

	/*
	 * What the cage gives the job's environment to begin with, "K=V". On the way in
	 * it may change (an image's entrypoint exports something), so steps get these as
	 * pawl-init finds them.
	 */
	struct strlist env;

	/* What follows stays in the runner. */
	int program;            /* that file, closed with the cage; 0: none */
	struct cage_held *held; /* see cage_hold() */
	size_t held_count, held_cap;
};

void cage_clear(struct cage *cage);

/* Have release(thing) called when the cage is cleared. */
void cage_hold(struct cage *cage, void (*release)(void *thing), void *thing);

struct cage_service *cage_add_service(struct cage *cage, const char *name);

struct cage_mount *cage_add_mount(
    struct cage *cage, enum cage_mount_kind kind, const char *target);

#endif
