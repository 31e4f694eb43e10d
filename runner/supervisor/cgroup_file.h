/* The small files of a control group. A folder below 0, or a file that is not there,
 * reads as 0 and cannot be written. */
#ifndef RUNNER_SUPERVISOR_CGROUP_FILE_H
#define RUNNER_SUPERVISOR_CGROUP_FILE_H

#include <sys/types.h>

#include "base/base.h"

bool cgroup_file_write(int dir, const char *name, const char *text);
bool cgroup_file_put(int dir, const char *name, int64_t value);

/* The whole text, cut at size; its length, or -1. */
ssize_t cgroup_file_read(int dir, const char *name, char *out, size_t size);
int64_t cgroup_file_number(int dir, const char *name);
/* Of a file of lines "KEY NUMBER". */
int64_t cgroup_file_key(int dir, const char *name, const char *key);
int64_t cgroup_text_key(const char *text, const char *key);

/* Of all numbers that stand behind key, the sum. */
int64_t cgroup_text_sum(const char *text, const char *key);

/*
 * Of /proc/PID/cgroup: the path in the line "ID:CONTROLLERS:PATH", malloced; controller
 * "": the second version's. NULL: there is none.
 */
char *cgroup_text_path(const char *text, const char *controller);

/* To all processes of the folder itself. */
void cgroup_file_signal(int dir, int signal);

#endif
