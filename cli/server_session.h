/*
 * What the commands against a server share: their options, the server and project they
 * mean, and finding the pipeline and the job a person speaks of. Everything says what is
 * wrong on standard error and returns the exit code; EXIT_OK otherwise.
 */
#ifndef CLI_SERVER_SESSION_H
#define CLI_SERVER_SESSION_H

#include "cli/command.h"
#include "cli/server_link.h"
#include "cli/server_rows.h"

/* -C --server --project */
extern const struct option_row server_options[];
/* --pipeline */
extern const struct option_row server_pipeline_options[];

struct server_session {
	struct server_link link;
	const struct args *args;
	const char *branch; /* that is checked out; NULL: none */
	const char *sha;    /* HEAD; NULL: no clone, or no commit */
};

#define SERVER_SESSION_INIT                                                              \
	{                                                                                \
		.args = NULL                                                             \
	}

int server_session_open(struct server_session *s, const struct args *args);
/* The server alone, for `pawl login`: url NULL is the clone's. */
int server_session_open_server(
    struct server_session *s, const struct args *args, const char *url);
void server_session_close(struct server_session *s);
#define cleanup_server_session __attribute__((cleanup(server_session_close)))

/*
 * The pipeline of that id (text, NULL: not said), else the latest of HEAD on its branch,
 * else, unless only_head, the latest of the branch, with a word about it.
 */
int server_session_pipeline(struct server_session *s, const char *id, bool only_head,
    struct server_pipeline *out);

/* As --pipeline says, for commands that have it. */
int server_session_given_pipeline(struct server_session *s, struct server_pipeline *out);

/* A job by its name in the given pipeline, or by its id in any. */
int server_session_job(
    struct server_session *s, const char *word, struct server_job *out);

/* "there is no job x; did you mean y?" */
int server_session_no_job(const struct server_jobs *jobs, const char *word);

#endif
