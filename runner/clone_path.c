/* Where a job wants its files. */
#include "runner/clone_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "runner/environment.h"

/* The job's variables as they are, and those of the runner's that GitLab's manual names.
 */
static char *
expand(
    const struct job_payload *job, const char *builds_dir, int64_t slot, const char *text)
{
	cleanup_strlist struct strlist env = STRLIST_INIT;

	strlist_add_take(&env, xasprintf("CI_BUILDS_DIR=%s", builds_dir));
	strlist_add_take(&env, xasprintf("CI_CONCURRENT_ID=%" PRId64, slot));
	strlist_add_take(&env, xasprintf("CI_CONCURRENT_PROJECT_ID=%" PRId64, slot));
	for (size_t i = 0; i < job->variable_count; i++)
		strlist_add_take(&env,
		    xasprintf("%s=%s", job->variables[i].key, job->variables[i].value));
	return environment_expand(&env, text);
}

int
clone_path_find(const struct job_payload *job, const char *builds_dir, int64_t slot,
    struct arena *arena, const char **out, struct error *err)
{
	const char *wanted = job_payload_variable(job, "GIT_CLONE_PATH");
	cleanup_free char *path = NULL, *clean = NULL;
	size_t len = strlen(builds_dir);
	bool is_below;

	if (wanted == NULL || *wanted == '\0')
		return 0;
	path = expand(job, builds_dir, slot, wanted);
	is_below = str_starts(path, builds_dir) && path[len] == '/';
	if (is_below)
		clean = path_clean(path + len + strspn(path + len, "/"));
	if (clean == NULL || *clean == '\0' || str_eq(clean, "."))
		return error_set(err, ERR_INVALID,
		    "GIT_CLONE_PATH is \"%.200s\", which is not below CI_BUILDS_DIR (%s)",
		    path, builds_dir);
	*out = arena_printf(arena, "%s/%s", builds_dir, clean);
	return 0;
}

/* ---- its folders ----------------------------------------------------------- */

/* Beside CI_BUILDS_DIR: a path per line, of the innermost folder that was made. */
#define NOTE_SUFFIX ".made"
#define NOTE_MAX ((size_t)1 << 20)

/* The sticky bit, which says nothing to their one user, tells those that were made here:
 * over another one somebody else's workspace may be mounted. */
#define MODE_MADE 01700

#define LOCK_TRIES 50
#define LOCK_PAUSE_US 10000

/* 1: it was missing. */
static int
make_one(const char *path, struct error *err)
{
	if (mkdir(path, 0700) == 0) {
		(void)!chmod(path, MODE_MADE);
		return 1;
	}
	return errno == EEXIST ? 0 : error_errno(err, "cannot create %s", path);
}

static int
make_all(char *path, size_t from, struct error *err)
{
	int made = 0;

	for (char *slash = path + from; slash != NULL;) {
		slash = strchr(slash + 1, '/');
		if (slash != NULL)
			*slash = '\0';
		made = make_one(path, err);
		if (slash != NULL)
			*slash = '/';
		if (made < 0)
			return made;
	}
	return made;
}

static int
note(const char *builds_dir, const char *path, struct error *err)
{
	cleanup_free char *file = xasprintf("%s" NOTE_SUFFIX, builds_dir);
	cleanup_free char *line = xasprintf("%s\n", path);
	cleanup_close int fd =
	    open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		return error_errno(err, "cannot write %s", file);
	return 0;
}

int
clone_place_make(struct clone_place *place, const char *builds_dir, const char *path,
    struct error *err)
{
	cleanup_close int lock = open(builds_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *parts = xstrdup(path);
	int made;

	if (lock < 0 || flock(lock, LOCK_SH) < 0)
		return error_errno(err, "cannot lock %s", builds_dir);
	made = make_all(parts, strlen(builds_dir), err);
	if (made < 0 || (made > 0 && note(builds_dir, path, err) < 0))
		return err->code;
	clone_place_leave(place);
	*place = (struct clone_place){ .lock_fd = take_fd(&lock), .is_held = true };
	return 0;
}

void
clone_place_leave(struct clone_place *place)
{
	if (place->is_held)
		cleanup_close_fd(&place->lock_fd);
	place->is_held = false;
}

/* ---- their end ------------------------------------------------------------- */

static bool
was_made(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 &&
	    (st.st_mode & (S_IFMT | 07777)) == (S_IFDIR | MODE_MADE);
}

/* Up to one that holds something else. */
static void
remove_made(char *path, size_t top_len)
{
	while (strlen(path) > top_len && was_made(path) && rmdir(path) == 0)
		*strrchr(path, '/') = '\0';
}

/*
 * A supervisor that has told its end is gone in a moment, and with it its lock. To remove
 * a folder would unmount, for another job, what is mounted over it.
 */
void
clone_places_tidy(const char *builds_dir)
{
	cleanup_free char *file = xasprintf("%s" NOTE_SUFFIX, builds_dir);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	cleanup_close int lock = -1;
	int tries = 0;

	if (access(file, F_OK) < 0)
		return;
	lock = open(builds_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
		if (errno != EWOULDBLOCK || tries++ == LOCK_TRIES)
			return;
		else
			usleep(LOCK_PAUSE_US);
	if (lock >= 0 && buf_read_file(&text, file, NOTE_MAX, &ignored) == 0)
		for (char *rest = text.data, *line; (line = strsep(&rest, "\n")) != NULL;)
			if (str_starts(line, builds_dir))
				remove_made(line, strlen(builds_dir));
	unlink(file);
}
