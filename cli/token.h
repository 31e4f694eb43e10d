/* Reading a token where no other process sees it: never from the command line. */
#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H

#include "cli/command.h"

#define TOKEN_MAX 4096

/*
 * The first line of what --token-file names ("-" or not given: standard input, where a
 * person is asked), into line. EXIT_OK, or what to end with, after saying why.
 */
int token_read(const struct args *args, const char *server, char line[TOKEN_MAX]);

#endif
