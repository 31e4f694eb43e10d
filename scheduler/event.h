/*
 * What set a pipeline off, and on which commit of which project: plain data, filled by
 * whoever reads the repository (the command line, the server). Strings are borrowed and
 * outlive it; NULL means "does not apply" or unknown.
 */
#ifndef SCHEDULER_EVENT_H
#define SCHEDULER_EVENT_H

#include "base/base.h"

struct event {
	/* the commit */
	const char *sha, *before_sha; /* before_sha NULL: a new ref, no diff */
	const char *ref;              /* branch or tag name */
	bool is_tag, ref_is_protected;
	const char *default_branch;
	const char *message;   /* of the commit, whole */
	const char *author;    /* "Name <email>" */
	const char *timestamp; /* ISO 8601 */
	const char *tag_message;
	/* what happened */
	const char *source; /* CI_PIPELINE_SOURCE: "push" … */
	const char *config_path;
	int64_t pipeline_id, pipeline_iid;
	const char *created_at; /* ISO 8601 */
	/* the project */
	int64_t project_id;
	const char *project_path; /* "group/sub/name" */
	const char *project_title, *project_description, *project_visibility;
	const char *repo_url; /* for cloning */
	/* the server; for a local run a name that leads nowhere */
	const char *server_url; /* "https://host:port", no slash at the end */
	/* who */
	int64_t user_id;
	const char *user_login, *user_name, *user_email;
};

#endif
