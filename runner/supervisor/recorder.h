/*
 * What a job has used, second by second, in a small file: a line of numbers per sample.
 * When it holds RECORDER_ROWS, every other line goes and the time between two doubles, so
 * it stays small however long the job runs. Single-threaded.
 *
 *	pawl-usage 1
 *	# ms memory_bytes cpu_us read_bytes written_bytes cpu_wait_us memory_wait_us …
 *	1000 4194304 900000 0 0 12 0 0
 *
 * ms counts from the beginning of the first step. All but memory are sums since then; the
 * waits are what the kernel calls pressure ("some"): of the job where it has a control
 * group of version 2, else of the machine.
 */
#ifndef RUNNER_SUPERVISOR_RECORDER_H
#define RUNNER_SUPERVISOR_RECORDER_H

#include "base/base.h"

#define RECORDER_EVERY_MS 1000
#define RECORDER_ROWS 600

enum recorder_wait { WAIT_CPU, WAIT_MEMORY, WAIT_IO, WAIT_COUNT };

struct sample {
	int64_t at_ms, memory_bytes, cpu_us, read_bytes, written_bytes;
	int64_t wait_us[WAIT_COUNT];
};

struct recorder {
	const char *path; /* NULL: nothing is kept; the owner's */
	int fd;
	int64_t start_ms, next_ms, every_ms; /* next_ms: INT64_MAX when it does not run */
	struct sample *rows;
	size_t count;
	int64_t peak_bytes; /* of all samples */
	struct sample last;
	int64_t machine_wait_us[WAIT_COUNT]; /* what they were at the first sample */
};

#define RECORDER_INIT                                                                    \
	{                                                                                \
		.fd = -1, .next_ms = INT64_MAX                                           \
	}

void recorder_start(struct recorder *r, const char *path, int64_t now_ms);

/* at_ms of the sample is filled in. What cannot be written is not kept. */
void recorder_add(struct recorder *r, const struct sample *sample, int64_t now_ms);

void recorder_close(struct recorder *r);

#endif
