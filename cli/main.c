/*
 * The command line's entry: finds the command and hands over.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: pawl --version | --help\n";

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("pawl " PACKAGE_VERSION) < 0;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	fputs(usage, stderr);
	return 2;
}
