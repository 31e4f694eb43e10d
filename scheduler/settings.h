/*
 * A server's settings: one YAML file, checked with line numbers, over which the command
 * line goes. docs/server-settings.md has every key.
 */
#ifndef SCHEDULER_SETTINGS_H
#define SCHEDULER_SETTINGS_H

#include "base/log.h"
#include "pipelines/diag.h"

#define SERVER_SETTINGS_MAX_BYTES ((size_t)1 << 20)

struct server_settings {
	const char *listen, *url;
	enum log_format log_format;
	bool create_on_push; /* a push to a path without a project makes it */
	struct {
		int64_t jobs, project_jobs; /* at once; 0: any number */
		int64_t artifact_bytes;     /* of one upload */
		int64_t log_bytes;          /* of one job; the job fails beyond it */
		int64_t timeout_s;          /* of a job whose file says none */
	} limits;
	struct {
		int64_t artifacts_s; /* without expire_in; 0: for ever */
		int64_t pipelines_s; /* with their jobs and logs; 0: for ever */
	} keep;
	struct {
		bool enabled;
		int64_t jobs;         /* at once; 0: one per CPU */
		const char *executor; /* NULL: its own choice */
		const char *config;   /* a file of runner's settings; NULL: none */
	} runner;
};

#define SETTINGS_SIZE_WORDS 32

/* A size in the words the file has for it, exactly: "64 KiB", "1000 bytes". */
const char *settings_size(int64_t bytes, char out[SETTINGS_SIZE_WORDS]);

/* What holds without a file. */
void server_settings_init(struct server_settings *s);

/* Over what is there. Findings go to diags, strings into its arena; file is the name in
 * findings. */
void server_settings_read(struct server_settings *s, const char *text, size_t len,
    const char *file, struct diags *diags);

#endif
