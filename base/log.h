/*
 * Diagnostics of the program itself, to standard error, a line each. What a job prints is
 * a trace and never goes through here; nor does a secret: values of variables, tokens,
 * bodies of requests.
 *
 * As text, as JSON, and plain, for commands:
 *
 *     2026-01-31T12:00:00.000Z warning server: SENTENCE job=5
 *     {"time":"…","level":"warning","program":"server","message":"…","job":5}
 *     pawl: warning: job 5: SENTENCE
 *
 * Any thread. A reader that does not read is waited for once, for a second; then lines
 * are lost until it does, and how many is said. Level, format and program are the one
 * global of pawl; set them once, in main.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_PLAIN };

void log_set_level(enum log_level level); /* default LOG_WARN */
/* program: "server"; a string that stays. The default is plain and does not name it. */
void log_set_format(enum log_format format, const char *program);
/* What settings may say, in the order of the enum, ending with NULL: "text", "json". */
extern const char *const log_formats[];

/* Whom a line speaks of. 0, NULL: nobody. */
struct log_about {
	int64_t project, pipeline, job, runner, user;
	const char *ref, *source, *status, *reason, *server;
	int64_t duration_ms; /* with a status */
};

/* about may be NULL. */
void log_event(enum log_level level, const struct log_about *about, const char *fmt, ...)
    PRINTF(3, 4);

#define LOG_JOB(id) (&(const struct log_about){ .job = (id) })
#define LOG_SERVER(url) (&(const struct log_about){ .server = (url) })

#define log_error(...) log_event(LOG_ERROR, NULL, __VA_ARGS__)
#define log_warn(...) log_event(LOG_WARN, NULL, __VA_ARGS__)
#define log_info(...) log_event(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_event(LOG_DEBUG, NULL, __VA_ARGS__)

#endif
