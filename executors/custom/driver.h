/*
 * pawl-custom: one job and its driver. Single-threaded. Whoever calls a program of the
 * driver waits for its end, and hears the supervisor meanwhile.
 */
#ifndef EXECUTORS_CUSTOM_DRIVER_H
#define EXECUTORS_CUSTOM_DRIVER_H

#include <sys/types.h>

#include "executors/custom/orders.h"

/* Exit codes of the driver's programs, which they find in their environment. */
#define BUILD_FAILURE 1
#define SYSTEM_FAILURE 2

struct init_step; /* executors/init/packet.h */

/* Whether jobs at the same time have the same builds_dir, by config. */
enum custom_sharing { CUSTOM_UNSAID, CUSTOM_SHARED, CUSTOM_OWN };

struct custom {
	struct custom_orders orders;
	int socket, signals;
	bool is_gone;           /* nobody is at the other end of the socket */
	struct strlist env;     /* the job's, "K=V"; its place may be CUSTOM_NOWHERE */
	struct strlist job_env; /* as config says */
	char *place;            /* what stands for CUSTOM_NOWHERE; NULL: not known */
	char *dir;              /* in memory: scripts and what else is secret */
	enum custom_sharing sharing;
	char *shell; /* that config names; NULL: bash */
};

struct driver_call {
	const struct strlist *argv;
	const char *more[2]; /* arguments after these; NULL: none */
	struct buf *output;  /* gets what it prints; NULL: the log does */
	bool is_quiet;       /* the log gets nothing of it */
	int64_t timeout_ms;  /* 0: none */
};

enum driver_end { DRIVER_EXITED, DRIVER_TIMED_OUT, DRIVER_STOPPED };

/* status: as of waitpid(2). A program that cannot be started is ERR_ENVIRONMENT. */
MUST_CHECK int driver_call(struct custom *c, const struct driver_call *call,
    enum driver_end *end, int *status, struct error *err);

/* env.c: what the driver's programs are started with; ends with NULL, all malloced */
char **driver_environment(const struct custom *c);

/* text with the job's place in the stead of CUSTOM_NOWHERE, malloced */
char *driver_replace_place(const struct custom *c, const char *text);

/* config.c: read what config printed. ERR_INVALID says what is wrong with it. */
MUST_CHECK int driver_read_config(
    struct custom *c, const struct buf *text, struct error *err);

/* config.c: once builds_dir is known. */
void driver_choose_place(struct custom *c);

/* script.c: the file the driver is to run for a step; command is the step's own. */
void driver_write_script(const struct custom *c, const char *stage, char *const *env,
    const char *command, struct buf *out);

#endif
