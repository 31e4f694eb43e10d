/*
 * bench/layers REPOSITORY SETS COMMIT…: how long a runner takes for the files of each
 * commit of a bare repository, one after the other, in milliseconds. Those whose layers
 * are in SETS already are only opened.
 */
#include <stdio.h>
#include <time.h>

#include "runner/snapshot.h"

static double
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		return 0;
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int
main(int argc, char **argv)
{
	struct snapshot *snapshot;
	struct error err = ERROR_INIT;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: bench/layers REPOSITORY SETS COMMIT...\n");
		return 2;
	}
	for (int i = 3; i < argc; i++) {
		double start = now_ms();

		if (snapshot_of_commit(
			argv[1], argv[i], NULL, NULL, argv[2], &snapshot, &err) < 0) {
			(void)fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
		(void)printf(
		    "%.3f %zu\n", now_ms() - start, snapshot_layers(snapshot)->count);
		snapshot_release(snapshot);
	}
	return 0;
}
