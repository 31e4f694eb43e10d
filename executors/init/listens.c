/* As the kernel's tables have it. Source: proc_net_tcp.txt of its documentation. */
#include "executors/init/listens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_LISTEN 0x0A
#define ADDRESS_MAX 33 /* of IPv6, four words in hexadecimal */

/* Words are in the machine's order; of 127.0.0.0/8 the first byte tells. */
static bool
is_loopback(const char *address)
{
	static const char v6[] = "00000000000000000000000001000000";
	unsigned char first;
	unsigned long word;

	if (strlen(address) == sizeof(v6) - 1)
		return strcmp(address, v6) == 0;
	word = strtoul(address, NULL, 16);
	memcpy(&first, &word, 1);
	return first == 127;
}

static bool
is_in_table(const char *table, unsigned long wanted)
{
	FILE *f = fopen(table, "re");
	char line[512];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		char address[ADDRESS_MAX];
		unsigned port, state;

		/* "  0: 0100007F:1538 00000000:0000 0A …" */
		found = sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F:] %x", address,
			    &port, &state) == 3 &&
		    port == wanted && state == STATE_LISTEN && !is_loopback(address);
	}
	if (f != NULL)
		(void)fclose(f);
	return found;
}

bool
listens(const char *port)
{
	unsigned long wanted = strtoul(port, NULL, 10);

	return is_in_table("/proc/net/tcp", wanted) ||
	    is_in_table("/proc/net/tcp6", wanted);
}
