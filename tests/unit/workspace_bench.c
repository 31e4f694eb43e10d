/* A workspace to collect from. */
#include "tests/unit/workspace_bench.h"

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/path.h"
#include "runner/layers.h"
#include "tests/unit/fixture.h"

static const char content[] =
    "git init -q -b main r && cd r && mkdir src && "
    "echo a >src/a.c && echo b >src/b.c && echo r >README && "
    "echo '*.o' >.gitignore && git add . && git commit -qm first";

void
workspace_bench_open(struct workspace_bench *b)
{
	struct error err = ERROR_INIT;

	*b = (struct workspace_bench){ .root = fixture_open(), .view = { .fd = -1 } };
	b->repo_dir = path_join(b->root, "r");
	b->dir = path_join(b->root, "w");
	b->store = path_join(b->root, "store");
	fixture_sh(b->root, "%s", content);
	if (git_repo_open(b->repo_dir, &b->repo, &err) < 0)
		ck_abort_msg("%s", err.msg);
	strlist_add(&b->env, "NAME=name");
	strlist_add_take(&b->env, xasprintf("CI_PROJECT_DIR=%s", b->dir));
	workspace_bench_renew(b);
}

void
workspace_bench_renew(struct workspace_bench *b)
{
	cleanup_free char *scratch = path_join(b->root, "scratch");
	cleanup_git_facts struct git_facts facts = GIT_FACTS_INIT;
	struct error err = ERROR_INIT;

	snapshot_release(take(b->snapshot));
	cleanup_close_fd(&b->view.fd);
	if (path_remove_tree(AT_FDCWD, b->dir, &err) < 0 ||
	    path_mkdirs(b->dir, 0755, &err) < 0 ||
	    git_repo_facts(b->repo, NULL, &facts, &err) < 0 ||
	    snapshot_take(b->repo, &facts, scratch, &b->snapshot, &err) < 0 ||
	    layers_copy_plain(snapshot_layers(b->snapshot), b->dir, NULL, &err) < 0)
		ck_abort_msg("%s", err.msg);
	b->view = (struct workspace_view){ .fd = open(b->dir, O_RDONLY | O_CLOEXEC),
		.project_dir = b->dir,
		.env = &b->env,
		.snapshot = b->snapshot };
	ck_assert_int_ge(b->view.fd, 0);
	buf_reset(&b->log);
}

void
workspace_bench_close(struct workspace_bench *b)
{
	snapshot_release(b->snapshot);
	git_repo_close(b->repo);
	cleanup_close_fd(&b->view.fd);
	strlist_clear(&b->env);
	buf_clear(&b->log);
	free(b->repo_dir);
	free(b->dir);
	free(b->store);
	fixture_close(b->root);
}
