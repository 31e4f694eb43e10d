/* Making a control group, filling it, ending it. */
#include "runner/supervisor/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runner/supervisor/cgroup_file.h"

#define PERIOD_US 100000 /* of the limit on processors; the kernel's own */
#define NAME_PREFIX "pawl-job-"
#define LEAF_NAME "own"
#define PREFIX_LEN (sizeof(NAME_PREFIX) - 1)

/* The sticky bit, which means nothing in there, says that a lock will be free once the
 * supervisor is gone. It comes last: before it a group is nobody else's business. */
#define MODE_HELD 01755

/* A runtime makes its container's own group below, and may not come to remove it. */
#define DEPTH_MAX 8
#define CLOSE_TRIES 2000
#define CLOSE_PAUSE_NS (1000L * 1000)

static const char *const names[] = {
	[CGROUP_UNIFIED] = "unified",
	[CGROUP_MEMORY] = "memory",
	[CGROUP_PIDS] = "pids",
	[CGROUP_CPU] = "cpu",
};

const char *
cgroup_kind_name(enum cgroup_kind kind)
{
	return names[kind];
}

/* ---- making it ------------------------------------------------------------- */

void
cgroup_name(const char *marker, char *out, size_t size)
{
	(void)snprintf(out, size, NAME_PREFIX "%.40s", marker);
}

static void
clear(struct cgroup *g, const char *marker)
{
	*g = (struct cgroup)CGROUP_INIT;
	cgroup_name(marker, g->name, sizeof(g->name));
	g->leaf = -1;
	for (int i = 0; i < CGROUP_KIND_COUNT; i++) {
		g->dirs[i] = (struct cgroup_dir){ -1, -1 };
		g->joins[i] = -1;
	}
}

/* The kind and folder of "KIND=PATH". */
static const char *
parse_parent(const char *text, enum cgroup_kind *kind)
{
	size_t len = strcspn(text, "=");

	for (int i = 0; i < CGROUP_KIND_COUNT; i++) {
		if (strlen(names[i]) != len || strncmp(text, names[i], len) != 0 ||
		    text[len] != '=')
			continue;
		*kind = (enum cgroup_kind)i;
		return text + len + 1;
	}
	return NULL;
}

static void
open_one(struct cgroup *g, const char *text, bool make)
{
	enum cgroup_kind kind = CGROUP_UNIFIED;
	const char *path = parse_parent(text, &kind);
	struct cgroup_dir *d = &g->dirs[kind];

	if (path == NULL || d->parent >= 0)
		return;
	d->parent = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->parent < 0 ||
	    (make && mkdirat(d->parent, g->name, 0755) < 0 && errno != EEXIST))
		return;
	d->dir =
	    openat(d->parent, g->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	g->exists = g->exists || d->dir >= 0;
	if (!make || d->dir < 0)
		return;
	if (flock(d->dir, LOCK_SH | LOCK_NB) == 0 && fchmod(d->dir, MODE_HELD) < 0)
		errno = 0; /* then its own runner alone sweeps it */
	/* "tasks" costs a hundredth of "cgroup.procs", which stops the whole machine's
	 * forks for a moment; a child that has just been born is one task */
	g->joins[kind] = openat(d->dir, kind == CGROUP_UNIFIED ? "cgroup.procs" : "tasks",
	    O_WRONLY | O_CLOEXEC);
	g->can_clone = g->can_clone || kind == CGROUP_UNIFIED;
}

/* Where this kind of limit is set: in its own hierarchy, else in the one for all. */
static int
dir_of(const struct cgroup *g, enum cgroup_kind kind)
{
	return g->dirs[kind].dir >= 0 ? g->dirs[kind].dir : g->dirs[CGROUP_UNIFIED].dir;
}

static bool
is_first_version(const struct cgroup *g, enum cgroup_kind kind)
{
	return g->dirs[kind].dir >= 0;
}

static bool
limit_memory(const struct cgroup *g, int64_t bytes)
{
	int dir = dir_of(g, CGROUP_MEMORY);
	bool first = is_first_version(g, CGROUP_MEMORY);

	if (!cgroup_file_put(dir, first ? "memory.limit_in_bytes" : "memory.max", bytes))
		return false;
	/* or it would go on in swap, slowly; not there when nobody counts that */
	(void)cgroup_file_put(dir,
	    first ? "memory.memsw.limit_in_bytes" : "memory.swap.max", first ? bytes : 0);
	return true;
}

static bool
limit_cpus(const struct cgroup *g, int64_t thousandths)
{
	int dir = dir_of(g, CGROUP_CPU);
	int64_t quota_us = thousandths * (PERIOD_US / 1000);
	char text[64];

	if (is_first_version(g, CGROUP_CPU))
		return cgroup_file_put(dir, "cpu.cfs_quota_us", quota_us);
	(void)snprintf(text, sizeof(text), "%" PRId64 " %d", quota_us, PERIOD_US);
	return cgroup_file_write(dir, "cpu.max", text);
}

static bool
limit_pids(const struct cgroup *g, int64_t count)
{
	return cgroup_file_put(dir_of(g, CGROUP_PIDS), "pids.max", count);
}

static void
set_limit(const struct cgroup *g, const struct limit *limit, const char *what,
    bool (*set)(const struct cgroup *g, int64_t value), struct buf *warnings)
{
	if (limit->value == 0 || set(g, limit->value))
		return;
	buf_printf(warnings,
	    "\033[0;33mWARNING: the job's limit of %s (%s) does not hold: no control group "
	    "of this machine could be had for it\033[0;m\n",
	    what, limit->from);
}

void
cgroup_open(struct cgroup *g, const struct strlist *parents, const char *marker,
    const struct limits *limits, struct buf *warnings)
{
	clear(g, marker);
	for (size_t i = 0; i < parents->count; i++)
		open_one(g, parents->items[i], true);
	set_limit(g, &limits->memory, "memory", limit_memory, warnings);
	set_limit(g, &limits->cpus, "processors", limit_cpus, warnings);
	set_limit(g, &limits->pids, "processes", limit_pids, warnings);
}

void
cgroup_use_leaf(struct cgroup *g)
{
	struct cgroup_dir *d = &g->dirs[CGROUP_UNIFIED];
	cleanup_close int leaf = -1, join = -1;

	if (!g->exists || d->dir < 0 ||
	    (mkdirat(d->dir, LEAF_NAME, 0755) < 0 && errno != EEXIST))
		return;
	leaf = openat(d->dir, LEAF_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	join = leaf < 0 ? -1 : openat(leaf, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (join < 0)
		return;
	cleanup_close_fd(&g->joins[CGROUP_UNIFIED]);
	g->joins[CGROUP_UNIFIED] = take_fd(&join);
	g->leaf = take_fd(&leaf);
}

bool
cgroup_join(const struct cgroup *g, bool all)
{
	for (int i = 0; g != NULL && g->exists && i < CGROUP_KIND_COUNT; i++) {
		if (g->dirs[i].dir < 0 || (i == CGROUP_UNIFIED && !all))
			continue;
		if (g->joins[i] < 0 || write(g->joins[i], "0", 1) != 1)
			return false;
	}
	return true;
}

/* ---- what its limits did --------------------------------------------------- */

/* The first version counts each folder apart, the second does for processes, and a
 * runtime makes one of its own. */
static int64_t
count_below(int dir, const char *file, const char *key)
{
	cleanup_closedir DIR *list = NULL;
	struct stat st;
	int64_t count = 0;
	int copy;

	if (fstat(dir, &st) < 0 || st.st_nlink <= 2)
		return 0;
	copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = copy < 0 ? NULL : fdopendir(copy);
	for (struct dirent *e; list != NULL && (e = readdir(list)) != NULL;) {
		char name[300];

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", e->d_name, file);
		count += cgroup_file_key(dir, name, key);
	}
	return count;
}

/* What is read of one that is gone counts for nothing. */
void
cgroup_look(struct cgroup *g)
{
	int memory = dir_of(g, CGROUP_MEMORY), pids = dir_of(g, CGROUP_PIDS);
	const char *file =
	    is_first_version(g, CGROUP_MEMORY) ? "memory.oom_control" : "memory.events";
	int64_t kills, refused;

	if (!g->exists)
		return;
	kills = cgroup_file_key(memory, file, "oom_kill");
	if (is_first_version(g, CGROUP_MEMORY))
		kills += count_below(memory, file, "oom_kill");
	if (kills > g->oom_kills)
		g->oom_kills = kills;
	refused = cgroup_file_key(pids, "pids.events", "max") +
	    (g->leaf >= 0 ? count_below(pids, "pids.events", "max") : 0);
	if (refused > g->pids_refused)
		g->pids_refused = refused;
}

/*
 * "6,1245,…;oom-kill:constraint=…,oom_memcg=/pawl-MARKER,…,task=cc1,pid=123,uid=0".
 * Source: the kernel's mm/oom_kill.c, dump_oom_summary().
 */
static void
add_victim(const struct cgroup *g, const char *record, char *out, size_t size)
{
	const char *task = strstr(record, ",task=");
	const char *end = task == NULL ? NULL : strstr(task + 6, ",pid=");
	size_t len = strlen(out);
	char name[20];

	if (strstr(record, ";oom-kill:") == NULL || strstr(record, g->name) == NULL ||
	    end == NULL || end - task - 6 >= (ptrdiff_t)sizeof(name))
		return;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(end - task - 6), task + 6);
	for (char *c = name; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (strstr(out, name) == NULL)
		(void)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", name);
}

void
cgroup_oom_victims(const struct cgroup *g, char *out, size_t size)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192];
	ssize_t n;

	*out = '\0';
	if (fd < 0)
		return;
	/* one record each time; EPIPE: the oldest have gone meanwhile */
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 ||
	    (n < 0 && (errno == EPIPE || errno == EINTR))) {
		if (n <= 0)
			continue;
		record[n] = '\0';
		add_victim(g, record, out, size);
	}
	close(fd);
}

/* ---- its end --------------------------------------------------------------- */

/* Of one folder and those below it. */
static void
kill_members(int dir, int depth)
{
	cleanup_closedir DIR *list = NULL;
	int copy;

	cgroup_file_signal(dir, SIGKILL);
	copy = depth == 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = copy < 0 ? NULL : fdopendir(copy);
	for (struct dirent *e; list != NULL && (e = readdir(list)) != NULL;) {
		int below;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		below = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (below < 0)
			continue;
		kill_members(below, depth - 1);
		close(below);
		(void)unlinkat(dir, e->d_name, AT_REMOVEDIR);
	}
}

void
cgroup_kill(const struct cgroup *g)
{
	int unified = g->exists ? g->dirs[CGROUP_UNIFIED].dir : -1;

	if (!g->exists ||
	    (unified >= 0 && cgroup_file_write(unified, "cgroup.kill", "1")))
		return;
	for (int i = 0; i < CGROUP_KIND_COUNT; i++)
		if (g->dirs[i].dir >= 0) {
			kill_members(g->dirs[i].dir, DEPTH_MAX);
			return; /* all of the job is in each of them */
		}
}

static bool
remove_one(struct cgroup *g, struct cgroup_dir *d)
{
	if (unlinkat(d->parent, g->name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return true;
	cgroup_kill(g);
	kill_members(d->dir, DEPTH_MAX);
	return false;
}

void
cgroup_close(struct cgroup *g)
{
	const struct timespec pause = { .tv_nsec = CLOSE_PAUSE_NS };
	int tries = 0;

	if (g->exists && g->leaf >= 0) {
		(void)unlinkat(g->dirs[CGROUP_UNIFIED].dir, LEAF_NAME, AT_REMOVEDIR);
		cleanup_close_fd(&g->leaf);
	}
	for (int i = CGROUP_KIND_COUNT; i-- > 0;) {
		struct cgroup_dir *d = &g->dirs[i];

		if (!g->exists)
			break;
		while (d->dir >= 0 && !remove_one(g, d) && tries++ < CLOSE_TRIES)
			nanosleep(&pause, NULL);
	}
	for (int i = 0; g->name[0] != '\0' && i < CGROUP_KIND_COUNT; i++) {
		cleanup_close_fd(&g->dirs[i].dir);
		cleanup_close_fd(&g->dirs[i].parent);
		cleanup_close_fd(&g->joins[i]);
	}
	*g = (struct cgroup)CGROUP_INIT;
}

void
cgroup_sweep(const struct strlist *parents, const char *marker)
{
	struct cgroup g;

	clear(&g, marker);
	for (size_t i = 0; i < parents->count; i++)
		open_one(&g, parents->items[i], false);
	cgroup_kill(&g);
	cgroup_close(&g);
}

/* Of one that has no living supervisor: what its own runner's sweep would do. */
static void
tidy_one(int parent, const char *place, const char *name)
{
	cleanup_strlist struct strlist one = STRLIST_INIT;
	cleanup_close int dir =
	    openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (dir < 0 || fstat(dir, &st) < 0 || (st.st_mode & 07777) != MODE_HELD ||
	    flock(dir, LOCK_EX | LOCK_NB) < 0)
		return;
	strlist_add(&one, place);
	cgroup_sweep(&one, name + PREFIX_LEN);
}

void
cgroup_tidy(const char *place)
{
	enum cgroup_kind kind = CGROUP_UNIFIED;
	const char *path = parse_parent(place, &kind);
	cleanup_closedir DIR *list = path == NULL ? NULL : opendir(path);

	if (list == NULL || faccessat(dirfd(list), ".", W_OK, 0) < 0)
		return;
	for (struct dirent *e; (e = readdir(list)) != NULL;)
		if (strncmp(e->d_name, NAME_PREFIX, PREFIX_LEN) == 0)
			tidy_one(dirfd(list), place, e->d_name);
}
