/* Reading and writing packets. */
#include "executors/init/packet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptors.h"

bool
init_tell(int socket, enum init_type type, uint32_t number, int value, const char *text)
{
	struct init_message m = {
		.type = (uint32_t)type, .number = number, .value = value
	};

	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	return send(socket, &m, sizeof(m), MSG_NOSIGNAL) >= 0;
}

bool
init_send(int socket, const struct init_message *m, const int *files, size_t count)
{
	const struct iovec part = { (void *)(uintptr_t)m, sizeof(*m) };

	return descriptors_send(socket, &part, 1, files, count, 0) >= 0;
}

bool
init_receive(int socket, struct init_message *m, int files[INIT_FILES])
{
	const ssize_t n =
	    descriptors_receive(socket, m, sizeof(*m), files, INIT_FILES, 0);

	if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
		m->type = 0;
		return true;
	}
	return n == (ssize_t)sizeof(*m);
}

bool
init_hear_hello(int socket, int *file)
{
	struct init_message m = { .type = 0 };
	int files[INIT_FILES] = { -1, -1, -1, -1 };

	*file = -1;
	do {
		if (!init_receive(socket, &m, files))
			return false;
	} while (m.type == 0);
	if (m.type == INIT_HELLO) {
		*file = files[0];
		files[0] = -1;
	}
	for (int i = 0; i < INIT_FILES; i++)
		if (files[i] >= 0)
			close(files[i]);
	return true;
}

/* count strings with their NULs from *at on; NULL: there are not so many. */
static char **
strings(char **at, const char *end, uint32_t count)
{
	char **list = calloc((size_t)count + 1, sizeof(*list));

	if (list == NULL)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		char *nul = memchr(*at, '\0', (size_t)(end - *at));

		if (nul == NULL) {
			free(list);
			return NULL;
		}
		list[i] = *at;
		*at = nul + 1;
	}
	return list;
}

static bool
parse(struct init_step *step)
{
	struct init_run head;
	char *at = step->memory + sizeof(head);
	const char *end = step->memory + step->len;
	char **dir;

	if (step->len <= sizeof(head))
		return false;
	memcpy(&head, step->memory, sizeof(head));
	if (head.argc > step->len || head.envc > step->len)
		return false;
	dir = strings(&at, end, 1);
	if (dir == NULL)
		return false;
	step->dir = dir[0];
	free(dir);
	step->argv = strings(&at, end, head.argc);
	step->env = strings(&at, end, head.envc);
	return step->argv != NULL && step->env != NULL;
}

bool
init_step_read(int file, struct init_step *out)
{
	struct init_step step = { .memory = NULL };
	struct stat st;
	void *memory = MAP_FAILED;

	errno = 0;
	if (fstat(file, &st) == 0 && st.st_size > 0 && st.st_size <= INIT_RUN_MAX)
		memory = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE, file, 0);
	if (memory == MAP_FAILED)
		return false;
	step.memory = memory;
	step.len = (size_t)st.st_size;
	if (!parse(&step)) {
		init_step_clear(&step);
		errno = 0;
		return false;
	}
	*out = step;
	return true;
}

static bool
names_same(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len) == 0 && b[len] == '=';
}

bool
init_step_add_own(struct init_step *step)
{
	size_t count = 0, own = 0, given;
	char **all;

	while (step->env[count] != NULL)
		count++;
	given = count;
	while (environ[own] != NULL)
		own++;
	all = realloc(step->env, (count + own + 1) * sizeof(*all));
	if (all == NULL)
		return false;
	step->env = all;
	for (size_t i = 0; i < own; i++) {
		size_t k = 0;

		while (k < given && !names_same(environ[i], all[k]))
			k++;
		if (k == given)
			all[count++] = environ[i];
	}
	all[count] = NULL;
	return true;
}

void
init_step_clear(struct init_step *step)
{
	if (step->memory != NULL)
		munmap(step->memory, step->len);
	free(step->argv);
	free(step->env);
	*step = (struct init_step){ .memory = NULL };
}
