/* What the URL of a git remote says about the project: its host and path. */
#ifndef CLI_REMOTE_URL_H
#define CLI_REMOTE_URL_H

#include "base/arena.h"

struct remote_url {
	const char *host; /* "gitlab.com", with ":port" when there is one */
	const char *path; /* "group/project", without ".git" */
};

/* https://, ssh://, git:// and git@host:path forms; false for anything else. */
bool remote_url_parse(const char *url, struct arena *arena, struct remote_url *out);

#endif
