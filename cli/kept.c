/* DIR/latest/<name> holds the id; names are escaped, since they may hold slashes. */
#include "cli/kept.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"

static char *
latest_path(const char *artifacts_dir, const char *job)
{
	struct buf out = BUF_INIT;

	buf_printf(&out, "%s/latest/", artifacts_dir);
	for (const char *p = job; *p != '\0'; p++) {
		if (isalnum((unsigned char)*p) || strchr("-_ ,[]:", *p) != NULL)
			buf_add_char(&out, *p);
		else
			buf_printf(&out, "%%%02X", (unsigned char)*p);
	}
	return buf_take(&out);
}

/* Best effort: what cannot be remembered is only not found later. */
void
kept_set_latest(const char *artifacts_dir, const char *job, int64_t id)
{
	cleanup_free char *path = latest_path(artifacts_dir, job);
	struct error ignored = ERROR_INIT;
	char text[32];
	int n = snprintf(text, sizeof(text), "%" PRId64 "\n", id);

	if (path_mkdirs_at(AT_FDCWD, path, 0755, &ignored) < 0 ||
	    path_write_file(path, text, (size_t)n, 0644, &ignored) < 0)
		return;
}

static int64_t
read_id(const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;
	int64_t id;

	if (buf_read_file(&text, path, 64, NULL) < 0)
		return 0;
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	return str_to_int64(buf_str(&text), &id) && id > 0 ? id : 0;
}

int64_t
kept_latest(const char *artifacts_dir, const char *job)
{
	cleanup_free char *path = latest_path(artifacts_dir, job);

	return read_id(path);
}

/* Ids that are still somebody's latest, as a set of their decimal texts. */
static void
collect_latest(const char *artifacts_dir, struct strlist *out)
{
	cleanup_free char *dir = path_join(artifacts_dir, "latest");
	cleanup_closedir DIR *d = opendir(dir);

	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		cleanup_free char *path = path_join(dir, e->d_name);

		if (e->d_name[0] != '.')
			strlist_add_take(out, xasprintf("%" PRId64, read_id(path)));
	}
}

/* Entries "ID" and "ID.log" with an id below the limit go. */
static void
prune_dir(const char *dir, int64_t limit, const struct strlist *keep)
{
	cleanup_closedir DIR *d = opendir(dir);
	struct error ignored = ERROR_INIT;

	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		cleanup_free char *name = xstrndup(e->d_name, strcspn(e->d_name, "."));
		int64_t id;

		if (!str_to_int64(name, &id) || id >= limit || strlist_has(keep, name))
			continue;
		if (path_remove_tree(dirfd(d), e->d_name, &ignored) < 0)
			return; /* the next run tries again */
	}
}

void
kept_prune(const char *logs_dir, const char *artifacts_dir, int64_t next_job_id)
{
	cleanup_strlist struct strlist keep = STRLIST_INIT;

	if (next_job_id <= KEPT_JOBS)
		return;
	collect_latest(artifacts_dir, &keep);
	prune_dir(logs_dir, next_job_id - KEPT_JOBS, &keep);
	prune_dir(artifacts_dir, next_job_id - KEPT_JOBS, &keep);
}
