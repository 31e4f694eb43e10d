/* Bare repositories: a handful of small files. */
#include "scheduler/repos.h"

#include <unistd.h>

#include "base/path.h"
#include "base/str.h"

char *
repo_dir(const char *repos_dir, const char *project_path)
{
	return xasprintf("%s/%s.git", repos_dir, project_path);
}

static int
write_text(const char *dir, const char *name, const char *text, struct error *err)
{
	cleanup_free char *path = path_join(dir, name);

	return path_write_file(path, text, strlen(text), 0644, err);
}

int
repo_create(const char *repos_dir, const char *project_path, struct error *err)
{
	static const char *const folders[] = { "objects/info", "objects/pack",
		"refs/heads", "refs/tags", "refs/pipelines" };
	cleanup_free char *dir = repo_dir(repos_dir, project_path);
	cleanup_free char *head = path_join(dir, "HEAD");

	if (access(head, F_OK) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		cleanup_free char *folder = path_join(dir, folders[i]);

		if (path_mkdirs(folder, 0755, err) < 0)
			return err->code;
	}
	if (write_text(dir, "config",
		"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
		err) < 0)
		return err->code;
	/* the last one, and what makes it a repository */
	return write_text(dir, "HEAD", "ref: refs/heads/main\n", err);
}

int
repo_set_head(const char *repos_dir, const char *project_path, const char *branch,
    struct error *err)
{
	cleanup_free char *dir = repo_dir(repos_dir, project_path);
	cleanup_free char *text = xasprintf("ref: refs/heads/%s\n", branch);

	return write_text(dir, "HEAD", text, err);
}

int
repo_keep_pipeline(const char *repos_dir, const char *project_path, int64_t id,
    const char *sha, struct error *err)
{
	cleanup_free char *dir = repo_dir(repos_dir, project_path);
	cleanup_free char *folder = path_join(dir, "refs/pipelines");
	cleanup_free char *name = xasprintf("%" PRId64, id);
	cleanup_free char *text = xasprintf("%s\n", sha);

	/* git removes a folder of refs that has become empty */
	if (path_mkdirs(folder, 0755, err) < 0)
		return err->code;
	return write_text(folder, name, text, err);
}

void
repo_drop_pipeline(const char *repos_dir, const char *project_path, int64_t id)
{
	cleanup_free char *dir = repo_dir(repos_dir, project_path);
	cleanup_free char *ref = xasprintf("%s/refs/pipelines/%" PRId64, dir, id);

	(void)unlink(ref);
}
