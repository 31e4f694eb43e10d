/* Reading a push: a line per ref, a variable per option. */
#include "scheduler/hook/pushed.h"

#include <stdio.h>

#define MAX_OPTIONS 1000

static void
read_refs(struct pushed *p)
{
	cleanup_free char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) { /* "OLD NEW REF" */
		char *sha = strchr(line, ' '), *ref = strrchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (sha == NULL || sha == ref)
			continue;
		*ref = '\0';
		pushed_add(p, ref + 1, sha + 1);
	}
}

static void
read_options(struct pushed *p)
{
	const char *count = getenv("GIT_PUSH_OPTION_COUNT");
	long n = count == NULL ? 0 : strtol(count, NULL, 10);

	for (long i = 0; i < n && i < MAX_OPTIONS; i++) {
		char name[48];
		const char *option;

		(void)snprintf(name, sizeof(name), "GIT_PUSH_OPTION_%ld", i);
		option = getenv(name);
		if (option != NULL)
			strlist_add(&p->options, option);
	}
}

void
pushed_read(struct pushed *p)
{
	read_options(p);
	read_refs(p);
}

void
pushed_add(struct pushed *p, const char *ref, const char *sha)
{
	strlist_add(&p->refs, ref);
	strlist_add(&p->shas, sha);
}

void
pushed_clear(struct pushed *p)
{
	strlist_clear(&p->refs);
	strlist_clear(&p->shas);
	strlist_clear(&p->options);
}

bool
pushed_is_gone(const char *sha)
{
	return sha[strspn(sha, "0")] == '\0';
}
