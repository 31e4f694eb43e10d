/* The environment of a step's shell. */
#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/path.h"
#include "runner/supervisor/procs.h"
#include "runner/supervisor/supervision.h"

/*
 * A file to which a step writes lines NAME=VALUE for the steps after it.
 * Source: runner-protocol.md section 8.2.
 */
#define LATER_VARIABLE "GITLAB_ENV"
#define LATER_NAME "gitlab_runner_env"
#define LATER_MAX ((size_t)1 << 20)

static void
set_variable(struct map *vars, const char *entry)
{
	const char *equals = strchr(entry, '=');
	cleanup_free char *key = NULL;

	if (equals == NULL || equals == entry)
		return;
	key = xstrndup(entry, (size_t)(equals - entry));
	free(map_get(vars, key));
	map_set(vars, key, xstrdup(entry));
}

static void
set_pair(struct map *vars, const char *key, const char *value)
{
	cleanup_free char *entry = xasprintf("%s=%s", key, value);

	set_variable(vars, entry);
}

static const char *
job_status(const struct supervision *s)
{
	switch ((enum wire_verdict)s->result.verdict) {
	case WIRE_TIMEOUT:
		return "timedout";
	case WIRE_CANCELED:
		return "canceled";
	case WIRE_SCRIPT_FAILURE:
	case WIRE_SYSTEM_FAILURE:
	case WIRE_WORKSPACE_FAILURE:
		return "failed";
	case WIRE_SUCCESS:
	case WIRE_VERDICT_COUNT:
		break;
	}
	return "success";
}

/* ---- what earlier steps wrote ---------------------------------------------- */

static bool
is_assignment(const char *line)
{
	size_t n = 0;

	while (isalnum((unsigned char)line[n]) || line[n] == '_')
		n++;
	return n > 0 && !isdigit((unsigned char)line[0]) && line[n] == '=';
}

/* The job may have put anything there: a pipe nobody writes to, a link, a disk full. */
static int
read_later(const char *path, struct buf *out)
{
	cleanup_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	return buf_read_fd(out, fd, LATER_MAX, NULL);
}

static void
add_later(const struct supervision *s, struct map *vars)
{
	bool caged = s->spec.cage.argv.count > 0;
	cleanup_free char *path =
	    path_join(caged ? s->files_dir : s->spec.job_dir, LATER_NAME);
	cleanup_free char *inner =
	    path_join(caged ? s->spec.cage.files_dir : s->spec.job_dir, LATER_NAME);
	cleanup_buf struct buf text = BUF_INIT;

	set_pair(vars, LATER_VARIABLE, inner);
	if (s->step == 0 || read_later(path, &text) < 0 || text.len == 0)
		return;
	for (char *line = text.data, *end; line != NULL; line = end) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		if (is_assignment(line))
			set_variable(vars, line);
	}
}

/* ---- all of it ------------------------------------------------------------- */

static void
add_files(const struct supervision *s, struct map *vars)
{
	const char *dir =
	    s->spec.cage.argv.count > 0 ? s->spec.cage.files_dir : s->files_dir;

	for (size_t i = 0; i < s->spec.file_count; i++) {
		const char *name = s->spec.files[i].name;
		cleanup_free char *path = path_join(dir, name);

		set_pair(vars, name, path);
	}
}

char **
supervision_environment(const struct supervision *s, const struct spec_step *step)
{
	cleanup_map struct map vars = MAP_INIT;
	size_t count = 0;
	char **env;

	for (size_t i = 0; i < s->spec.env.count; i++)
		set_variable(&vars, s->spec.env.items[i]);
	add_files(s, &vars);
	add_later(s, &vars);
	set_pair(&vars, PROCS_MARKER_NAME, s->spec.marker);
	set_pair(&vars, "CI_JOB_STATUS", step->always ? job_status(s) : "running");

	env = xcalloc(vars.count + 1, sizeof(*env));
	map_for_each(e, &vars)
		env[count++] = e->value;
	return env;
}

void
supervision_free_strings(char **list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		free(list[i]);
	free(list);
}
