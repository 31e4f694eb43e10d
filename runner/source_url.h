/*
 * Addresses of repositories: what is secret in them, and by what other names a server's
 * repositories are known. Any thread.
 */
#ifndef RUNNER_SOURCE_URL_H
#define RUNNER_SOURCE_URL_H

#include "base/str.h"
#include "protocol/job.h"

/* "https://user:secret@host/x" without what stands before the @, malloced; credentials
 * (may be NULL) gets "user:secret", decoded, malloced, or NULL. */
char *source_clean_url(const char *url, char **credentials);

/* "https://host:port" of an address by HTTP, malloced; NULL of any other. */
char *source_server_of(const char *url);

/* How the addresses begin by which the same server is reached by SSH. */
void source_ssh_forms(
    const struct job_payload *job, const char *server, struct strlist *out);

/* "/gitlab" when the server's pages, and so its repositories, are below that; else "".
 * Points into the job. */
const char *source_server_path(const struct job_payload *job, const char *server);

char *source_base64(const char *text); /* malloced */

#endif
