/* Finding them by the usual paths; systemd, elogind and container engines agree on these.
 */
#include "runner/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/supervisor/cgroup_file.h"

#define ROOT "/sys/fs/cgroup"
#define NOTE_NAME "control-groups"
#define NOTE_MAX ((size_t)64 << 10)
#define PIDS_PERCENT 15 /* systemd's DefaultTasksMax= */

static const char *const controllers[] = { "+memory", "+pids", "+cpu", "+io" };

/* Below the mount. In a container the path may be one that is not to be seen there. */
static char *
visible(const char *mount, const char *path)
{
	cleanup_free char *whole =
	    xasprintf("%s%s", mount, path == NULL || str_eq(path, "/") ? "" : path);

	return access(whole, F_OK) == 0 ? take(whole) : xstrdup(mount);
}

static char *
writable(char *path)
{
	cleanup_free char *owned = path;

	return access(path, W_OK) == 0 ? take(owned) : NULL;
}

static void
give_controllers_on(const char *dir)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char on[256];

	if (cgroup_file_read(fd, "cgroup.subtree_control", on, sizeof(on)) >= 0)
		for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
			if (strstr(on, controllers[i] + 1) == NULL)
				(void)cgroup_file_write(
				    fd, "cgroup.subtree_control", controllers[i]);
	cleanup_close_fd(&fd);
}

static char *
find_unified(const char *mount, const char *own)
{
	cleanup_free char *path = cgroup_text_path(own, "");
	cleanup_free char *dir = visible(mount, path);

	if (!str_eq(dir, mount))
		*strrchr(dir, '/') = '\0';
	if (access(dir, W_OK) < 0)
		return NULL;
	give_controllers_on(dir);
	return take(dir);
}

static char *
find_first(const char *root, const char *own, enum cgroup_kind kind)
{
	const char *name = cgroup_kind_name(kind);
	cleanup_free char *mount = xasprintf("%s/%s", root, name);
	cleanup_free char *path = cgroup_text_path(own, name);

	return path == NULL || access(mount, F_OK) < 0 ? NULL
						       : writable(visible(mount, path));
}

void
cgroup_places_read(const char *root, const char *own, struct cgroup_places *out)
{
	cleanup_free char *second = path_join(root, "cgroup.controllers");
	cleanup_free char *hybrid = path_join(root, "unified");
	bool any = false;

	*out = (struct cgroup_places){ .of = { NULL } };
	if (access(second, F_OK) == 0) {
		out->of[CGROUP_UNIFIED] = find_unified(root, own);
		out->mount_len = strlen(root);
	} else {
		if (access(hybrid, F_OK) == 0)
			out->of[CGROUP_UNIFIED] = find_unified(hybrid, own);
		for (int i = CGROUP_MEMORY; i < CGROUP_KIND_COUNT; i++)
			out->of[i] = find_first(root, own, (enum cgroup_kind)i);
	}
	for (int i = 0; i < CGROUP_KIND_COUNT; i++)
		any = any || out->of[i] != NULL;
	if (!any)
		(void)snprintf(out->why, sizeof(out->why),
		    "this user may not make control groups in %.200s", root);
}

char *
cgroup_places_group(const struct cgroup_places *places, const char *marker)
{
	const char *parent = places->of[CGROUP_UNIFIED];
	char name[sizeof(((struct cgroup *)NULL)->name)];

	if (places->mount_len == 0 || parent == NULL)
		return NULL;
	cgroup_name(marker, name, sizeof(name));
	return xasprintf("%s/%s", parent + places->mount_len, name);
}

/* In the hierarchy for all a controller may be missing: another has it, or nobody gave it
 * on. */
static bool
can_limit(const struct cgroup_places *places, enum cgroup_kind kind)
{
	int fd;
	char on[256] = "";

	if (places->of[kind] != NULL)
		return true;
	if (places->of[CGROUP_UNIFIED] == NULL)
		return false;
	fd = open(places->of[CGROUP_UNIFIED], O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)cgroup_file_read(fd, "cgroup.subtree_control", on, sizeof(on));
	cleanup_close_fd(&fd);
	return strstr(on, cgroup_kind_name(kind)) != NULL;
}

static int64_t
read_number(const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;

	return buf_read_file(&text, path, NOTE_MAX, &ignored) < 0
	    ? INT64_MAX
	    : strtoll(buf_str(&text), NULL, 10);
}

/* Of what this machine can have. */
static int64_t
share_of_pids(void)
{
	int64_t pids = read_number("/proc/sys/kernel/pid_max");
	int64_t threads = read_number("/proc/sys/kernel/threads-max");

	return (pids < threads ? pids : threads) / 100 * PIDS_PERCENT;
}

void
cgroup_places_find(struct cgroup_places *out)
{
	cleanup_buf struct buf own = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (buf_read_file(&own, "/proc/self/cgroup", NOTE_MAX, &ignored) < 0)
		buf_reset(&own); /* there are none */
	cgroup_places_read(ROOT, buf_str(&own), out);
	if (can_limit(out, CGROUP_PIDS))
		out->pids = share_of_pids();
}

void
cgroup_places_clear(struct cgroup_places *places)
{
	for (int i = 0; i < CGROUP_KIND_COUNT; i++)
		free(places->of[i]);
	*places = (struct cgroup_places){ .of = { NULL } };
}

/* ---- what a job needs ------------------------------------------------------ */

static void
add_place(const struct cgroup_places *places, enum cgroup_kind kind, struct strlist *out)
{
	if (places->of[kind] != NULL)
		strlist_add_take(
		    out, xasprintf("%s=%s", cgroup_kind_name(kind), places->of[kind]));
}

/* Each hierarchy costs a job a twentieth of a millisecond. */
void
cgroup_places_pick(
    const struct cgroup_places *places, const struct limits *limits, struct strlist *out)
{
	add_place(places, CGROUP_UNIFIED, out);
	add_place(places, CGROUP_MEMORY, out);
	if (limits->pids.value > 0)
		add_place(places, CGROUP_PIDS, out);
	if (limits->cpus.value > 0)
		add_place(places, CGROUP_CPU, out);
}

void
cgroup_places_limit_pids(const struct cgroup_places *places, struct limits *limits)
{
	if (limits->pids.value == 0 && places->pids > 0)
		limits->pids = (struct limit){ places->pids,
			"the default, 15 % of this machine's; limits.pids of the runner's "
			"settings changes it" };
}

char *
cgroup_places_lacking(const struct cgroup_places *places, const struct limits *limits)
{
	const struct {
		enum cgroup_kind kind;
		const struct limit *limit;
		const char *name;
	} all[] = { { CGROUP_MEMORY, &limits->memory, "memory" },
		{ CGROUP_CPU, &limits->cpus, "cpus" },
		{ CGROUP_PIDS, &limits->pids, "pids" } };
	cleanup_buf struct buf names = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].limit->value > 0 && !can_limit(places, all[i].kind))
			buf_printf(
			    &names, "%s%s", names.len > 0 ? ", " : "", all[i].name);
	if (names.len == 0)
		return NULL;
	return xasprintf("limits of %s do not hold for jobs: %s", buf_str(&names),
	    places->why[0] != '\0' ? places->why
				   : "these controllers are not given to this user");
}

/* ---- for the sweep --------------------------------------------------------- */

/* Beside the folder of all jobs, one of which is or was this. */
static char *
note_of_job(const char *job_dir)
{
	size_t len = strlen(job_dir);

	for (int parts = 2; parts > 0 && len > 0; parts--)
		do
			len--;
		while (len > 0 && job_dir[len] != '/');
	return xasprintf("%.*s/" NOTE_NAME, (int)len, job_dir);
}

void
cgroup_places_note(const struct cgroup_places *places, const char *dir)
{
	cleanup_free char *file = path_join(dir, NOTE_NAME);
	cleanup_buf struct buf text = BUF_INIT, more = BUF_INIT;
	struct error ignored = ERROR_INIT;
	cleanup_close int fd = -1;

	if (buf_read_file(&text, file, NOTE_MAX, &ignored) < 0)
		buf_reset(&text); /* the first one */
	for (int i = 0; i < CGROUP_KIND_COUNT; i++) {
		cleanup_free char *line = places->of[i] == NULL
		    ? NULL
		    : xasprintf("%s=%s\n", cgroup_kind_name((enum cgroup_kind)i),
			  places->of[i]);

		if (line != NULL && strstr(buf_str(&text), line) == NULL)
			buf_add_str(&more, line);
	}
	if (more.len == 0)
		return;
	/* full: of other sessions long ago */
	fd = open(file,
	    O_WRONLY | O_CREAT | O_CLOEXEC |
		(text.len > NOTE_MAX / 2 ? O_TRUNC : O_APPEND),
	    0600);
	if (fd >= 0)
		(void)!path_write_fd(fd, more.data, more.len);
}

/* With marker the group of that job, without all whose supervisors are gone. */
static void
sweep_noted(const char *file, const char *marker)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	char *at;

	if (buf_read_file(&text, file, NOTE_MAX, &ignored) < 0)
		return;
	for (at = text.data; at != NULL && *at != '\0';) {
		cleanup_strlist struct strlist one = STRLIST_INIT;
		char *end = strchr(at, '\n');

		if (end != NULL)
			*end = '\0';
		strlist_add(&one, at);
		if (marker != NULL)
			cgroup_sweep(&one, marker);
		else
			cgroup_tidy(at);
		at = end == NULL ? NULL : end + 1;
	}
}

void
cgroup_places_sweep(const char *job_dir, const char *marker)
{
	cleanup_free char *file = note_of_job(job_dir);

	if (*marker != '\0')
		sweep_noted(file, marker);
}

void
cgroup_places_tidy(const char *dir)
{
	cleanup_free char *file = path_join(dir, NOTE_NAME);

	sweep_noted(file, NULL);
}
