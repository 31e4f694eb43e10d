/* pawl: the command line. Everything else is in the library, so that tests can link it.
 */
#include "cli/command.h"

int
main(int argc, char **argv)
{
	return command_main(argc, argv);
}
