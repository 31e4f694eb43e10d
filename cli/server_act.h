/* retry, cancel and play: one call for each job named, or for the whole pipeline. */
#ifndef CLI_SERVER_ACT_H
#define CLI_SERVER_ACT_H

#include "cli/server_session.h"

struct server_act {
	const char *verb; /* "retry": what is called, and the command's name */
	const char *done; /* "retried" */
	bool of_pipeline; /* without a job: the pipeline */
	const char *json; /* what is sent with it for each job; NULL: nothing */
};

int server_act(const struct server_act *act, const struct args *args);

#endif
