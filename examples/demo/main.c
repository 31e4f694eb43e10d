#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tally.h"

/* usage: tally [N] <text: its N most frequent words */
int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct tally t;
	int rc;

	tally_init(&t);
	rc = tally_read(&t, stdin);
	if (rc == 0)
		rc = tally_print(&t, n, stdout);
	if (rc < 0)
		fprintf(stderr, "tally: %s\n", strerror(errno));
	tally_clear(&t);
	return rc < 0;
}
