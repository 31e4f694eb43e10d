/*
 * Starts a command N times, one after the other, and writes a line for each to FILE:
 *
 *     wall time in ns, user and system time in us, largest resident size in KiB
 *
 * usage: measure FILE N STATUS COMMAND [ARGUMENT…]
 *
 * A run that ends otherwise than with STATUS ends it all. This is a program of its own
 * because it is small: a command's resident size, as the kernel counts it, starts with
 * that of whoever called vfork.
 */
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

struct sample {
	int64_t wall_ns;
	int status; /* as from wait */
	struct rusage usage;
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int
run_once(char **command, struct sample *out)
{
	int64_t start = now_ns();
	pid_t pid;
	int rc = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);

	if (rc != 0) {
		(void)fprintf(
		    stderr, "measure: cannot start %s: %s\n", command[0], strerror(rc));
		return -1;
	}
	while (wait4(pid, &out->status, 0, &out->usage) < 0) {
		if (errno != EINTR) {
			perror("measure: wait4");
			return -1;
		}
	}
	out->wall_ns = now_ns() - start;
	return 0;
}

static long long
as_us(struct timeval tv)
{
	return (long long)tv.tv_sec * 1000000 + tv.tv_usec;
}

static int
measure(FILE *out, long count, int want, char **command)
{
	for (long i = 0; i < count; i++) {
		struct sample s;

		if (run_once(command, &s) < 0)
			return -1;
		if (!WIFEXITED(s.status) || WEXITSTATUS(s.status) != want) {
			(void)fprintf(stderr,
			    "measure: %s ended with wait status %#x, not exit %d\n",
			    command[0], (unsigned)s.status, want);
			return -1;
		}
		(void)fprintf(out, "%lld %lld %lld %ld\n", (long long)s.wall_ns,
		    as_us(s.usage.ru_utime), as_us(s.usage.ru_stime), s.usage.ru_maxrss);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	FILE *out;
	int rc;

	if (argc < 5) {
		(void)fputs(
		    "usage: measure FILE N STATUS COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	out = fopen(argv[1], "we");
	if (out == NULL) {
		perror(argv[1]);
		return 2;
	}
	rc = measure(
	    out, strtol(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10), argv + 4);
	if (ferror(out) || fclose(out) != 0) {
		perror(argv[1]);
		return 2;
	}
	return rc < 0;
}
