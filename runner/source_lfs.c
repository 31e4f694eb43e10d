/* Large files of repositories. */
#include "runner/source_lfs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "runner/commit_set.h"
#include "runner/commit_tree.h"

#define PROGRAM "git-lfs"
#define MAX_ATTRIBUTES ((size_t)1 << 20)

bool
source_lfs_is_there(void)
{
	const char *path = getenv("PATH");
	cleanup_free char *copy = xstrdup(path != NULL ? path : "/usr/bin:/bin");
	char *save = NULL;

	for (char *dir = strtok_r(copy, ":", &save); dir != NULL;
	     dir = strtok_r(NULL, ":", &save)) {
		cleanup_free char *file = path_join(dir, PROGRAM);

		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

void
source_lfs_add(struct git_env *env, bool run, const char *storage)
{
	git_env_set(env, "filter.lfs.process",
	    run ? "touch .git/" COMMIT_TREE_LFS_RAN " 2>/dev/null; " PROGRAM
		  " filter-process"
		: "");
	git_env_set(env, "filter.lfs.smudge", run ? PROGRAM " smudge -- %f" : "");
	git_env_set(env, "filter.lfs.clean", run ? PROGRAM " clean -- %f" : "");
	git_env_set(env, "filter.lfs.required", run ? "true" : "false");
	if (run)
		env->large_files = xstrdup(storage);
}

static bool
names_lfs(const struct strlist *layers, const char *name)
{
	for (size_t i = 0; i < layers->count; i++) {
		cleanup_free char *file = path_join(layers->items[i], name);
		cleanup_buf struct buf text = BUF_INIT;
		struct error ignored = ERROR_INIT;

		if (access(file, F_OK) == 0)
			return buf_read_file(&text, file, MAX_ATTRIBUTES, &ignored) ==
			    0 &&
			    strstr(buf_str(&text), "filter=lfs") != NULL;
	}
	return false;
}

static bool
look(const struct snapshot *snapshot)
{
	const struct strlist *files = snapshot_files(snapshot);

	for (size_t i = 0; i < files->count; i++) {
		const char *name = files->items[i], *slash = strrchr(name, '/');

		if (str_eq(slash == NULL ? name : slash + 1, ".gitattributes") &&
		    names_lfs(snapshot_layers(snapshot), name))
			return true;
	}
	return false;
}

bool
source_lfs_is_wanted(const struct snapshot *snapshot, const char *dir)
{
	cleanup_free char *file = path_join(dir, COMMIT_SET_LFS);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	bool wanted;

	if (buf_read_file(&text, file, 8, &ignored) == 0 && text.len > 0)
		return *text.data == 'y';
	wanted = look(snapshot);
	if (path_write_file(file, wanted ? "yes" : "no", wanted ? 3 : 2, 0600, &ignored) <
	    0)
		unlink(file);
	return wanted;
}
