/* Repositories of submodules that nobody's layers lean on any more. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "runner/commit_set.h"
#include "runner/source.h"
#include "runner/source_modules.h"

#define MAX_NAME 64

/* False: one does not say. */
static bool
list_lenders(const char *sets, struct strlist *out)
{
	cleanup_strlist struct strlist names = STRLIST_INIT;

	commit_set_list(sets, &names);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *file =
		    xasprintf("%s/%s/" COMMIT_SET_PLACE, sets, names.items[i]);
		cleanup_buf struct buf text = BUF_INIT;
		struct error ignored = ERROR_INIT;

		if (buf_read_file(&text, file, MAX_NAME, &ignored) < 0)
			return false;
		strlist_add(out, buf_str(&text));
	}
	return true;
}

static bool
is_in(const struct strlist *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i], name))
			return true;
	return false;
}

static void
remove_others(const char *places, const struct strlist *lenders)
{
	cleanup_closedir DIR *d = opendir(places);
	struct error err = ERROR_INIT;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.' && !is_in(lenders, e->d_name) &&
		    path_remove_tree(dirfd(d), e->d_name, &err) < 0)
			log_warn("%s", err.msg);
}

/* Whoever makes a set holds the lock of all of them, and whoever uses one its own, so
 * that it is in the list. */
void
source_modules_sweep(const char *base)
{
	cleanup_free char *sets = path_join(base, SOURCE_MODULE_SETS);
	cleanup_free char *places = path_join(base, SOURCE_MODULE_PLACES);
	cleanup_strlist struct strlist lenders = STRLIST_INIT;
	struct error ignored = ERROR_INIT;
	cleanup_close int lock = -1;

	if (access(places, F_OK) < 0)
		return;
	lock = commit_set_lock(sets, LOCK_EX | LOCK_NB, &ignored);
	if (lock >= 0 && list_lenders(sets, &lenders))
		remove_others(places, &lenders);
}
