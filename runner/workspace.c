/* Workspaces: which kind, and the recipe the supervisor follows. */
#include "runner/workspace.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/overlay.h"
#include "base/path.h"
#include "runner/copy_place.h"
#include "runner/layers.h"

/* Source: linux/magic.h; not all headers have all of them. */
#define MAGIC_OVERLAY 0x794c7630
#define MAGIC_NFS 0x6969

#define UPPER_NAME "upper" /* in a job's folder */

struct workspaces {
	enum workspace_mode mode; /* never WORKSPACE_AUTO */
	const struct snapshot *snapshot;
	char *root, *jobs_dir, *copies_dir, *project_dir;
	size_t name_at; /* in project_dir */
	bool userns;    /* mounting takes a user namespace */
	char explanation[512];
};

static const struct {
	const char *name;
	enum workspace_mode mode;
} modes[] = {
	{ "auto", WORKSPACE_AUTO },
	{ "overlay", WORKSPACE_OVERLAY },
	{ "copy", WORKSPACE_COPY },
};

bool
workspace_mode_parse(const char *name, enum workspace_mode *out)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (!str_eq(name, modes[i].name))
			continue;
		*out = modes[i].mode;
		return true;
	}
	return false;
}

/* Root in a container often may not. */
static bool
may_mount(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		return geteuid() == 0;
	return (data[0].effective & (1u << CAP_SYS_ADMIN)) != 0;
}

static bool
file_says(const char *file, const char *text)
{
	cleanup_buf struct buf content = BUF_INIT;
	struct error ignored = ERROR_INIT;

	return buf_read_file(&content, file, 64, &ignored) == 0 &&
	    str_eq(buf_str(&content), text);
}

/* What is known to forbid user namespaces; other reasons show when it is tried. */
static const char *
userns_obstacle(void)
{
	static const struct {
		const char *file, *text, *why;
	} obstacles[] = {
		{ "/proc/sys/user/max_user_namespaces", "0\n",
		    "user namespaces are off (user.max_user_namespaces)" },
		{ "/proc/sys/kernel/unprivileged_userns_clone", "0\n",
		    "user namespaces are for root only "
		    "(kernel.unprivileged_userns_clone)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(obstacles); i++)
		if (file_says(obstacles[i].file, obstacles[i].text))
			return obstacles[i].why;
	return NULL;
}

/* Why an overlay cannot be had here; NULL: it probably can. */
static const char *
overlay_obstacle(const struct workspaces *w)
{
	struct statfs fs;

	if (statfs(w->jobs_dir, &fs) == 0) {
		if (fs.f_type == MAGIC_OVERLAY)
			return "the scratch folder lies on an overlay itself";
		if (fs.f_type == MAGIC_NFS)
			return "the scratch folder lies on NFS";
	}
	return w->userns ? userns_obstacle() : NULL;
}

static void
explain(struct workspaces *w, const char *why)
{
	const char *what =
	    "each job works on an overlay over a snapshot of the work tree";

	if (w->mode == WORKSPACE_IN_PLACE)
		what = "jobs work in the work tree itself";
	else if (w->mode == WORKSPACE_COPY)
		what = "each job works on a copy of a snapshot of the work tree";
	(void)snprintf(w->explanation, sizeof(w->explanation), "%s%s%s", what,
	    why == NULL ? "" : ": ", why == NULL ? "" : why);
}

static int
choose_mode(struct workspaces *w, enum workspace_mode wanted, struct error *err)
{
	const char *setting = getenv("PAWL_WORKSPACE"), *why = NULL;

	if (wanted == WORKSPACE_AUTO && setting != NULL && *setting != '\0' &&
	    !workspace_mode_parse(setting, &wanted))
		return error_set(err, ERR_INVALID,
		    "PAWL_WORKSPACE=%s: wanted auto, overlay or copy", setting);
	if (wanted == WORKSPACE_AUTO) {
		why = overlay_obstacle(w);
		wanted = why == NULL ? WORKSPACE_OVERLAY : WORKSPACE_COPY;
	}
	w->mode = wanted;
	explain(w, why);
	return 0;
}

/* A path scripts may forget to quote. A group's folders stay folders. */
static char *
project_dir(const char *scratch, const char *name)
{
	char *path = xasprintf("%s/builds/%s", scratch, name);

	for (char *p = path + strlen(scratch) + strlen("/builds/"); *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("._-+/", *p) == NULL)
			*p = '-';
	return path;
}

static bool
is_plain_name(const char *name)
{
	cleanup_free char *clean = path_clean(name);

	return clean != NULL && str_eq(clean, name) && !str_eq(name, ".");
}

int
workspaces_new(
    const struct workspaces_options *o, struct workspaces **out, struct error *err)
{
	const char *name = is_plain_name(o->project_name) ? o->project_name : "project";
	struct workspaces *w = xcalloc(1, sizeof(*w));

	w->snapshot = o->snapshot;
	w->root = xstrdup(o->root);
	w->jobs_dir = path_join(o->scratch_dir, "jobs");
	w->copies_dir = path_join(o->scratch_dir, "copies");
	w->project_dir = project_dir(o->scratch_dir, name);
	w->name_at = strlen(o->scratch_dir) + strlen("/builds/");
	w->userns = !may_mount();
	if (path_mkdirs(w->jobs_dir, 0700, err) < 0 ||
	    path_mkdirs(w->project_dir, 0700, err) < 0) {
		workspaces_free(w);
		return err->code = ERR_ENVIRONMENT;
	}
	if (choose_mode(w, o->mode, err) < 0) {
		workspaces_free(w);
		return err->code;
	}
	copy_place_sweep(w->copies_dir);
	*out = w;
	return 0;
}

void
workspaces_free(struct workspaces *w)
{
	if (w == NULL)
		return;
	free(w->root);
	free(w->jobs_dir);
	free(w->copies_dir);
	free(w->project_dir);
	free(w);
}

const char *
workspaces_jobs_dir(const struct workspaces *w)
{
	return w->jobs_dir;
}

const char *
workspaces_project_name(const struct workspaces *w)
{
	return w->project_dir + w->name_at;
}

bool
workspaces_in_place(const struct workspaces *w)
{
	return w->mode == WORKSPACE_IN_PLACE;
}

const char *
workspaces_explain(const struct workspaces *w)
{
	return w->explanation;
}

static enum workspace_mode
settle(const struct workspaces *w, enum workspace_mode wanted)
{
	if (w->mode == WORKSPACE_IN_PLACE || wanted == WORKSPACE_AUTO ||
	    wanted == WORKSPACE_IN_PLACE)
		return w->mode;
	return wanted;
}

bool
workspace_copies(const struct workspaces *w, enum workspace_mode wanted)
{
	enum workspace_mode mode = settle(w, wanted);

	return mode == WORKSPACE_COPY || mode == WORKSPACE_COPY_SEEN;
}

static int
make_folder(const char *path, struct error *err)
{
	if (mkdir(path, 0755) < 0)
		return copy_errno(err, "cannot create folder", path);
	return 0;
}

void
workspace_recognise(const struct jobdir *dir, struct arena *arena, struct spec *spec)
{
	char *upper = arena_printf(arena, "%s/" UPPER_NAME, dir->path);

	if (access(upper, F_OK) < 0)
		return;
	spec->mode = SPEC_OVERLAY;
	spec->upper = upper;
}

static int
prepare_overlay(const struct workspaces *w, const struct jobdir *dir, struct arena *arena,
    struct spec *spec, struct error *err)
{
	char *upper = arena_printf(arena, "%s/" UPPER_NAME, dir->path);
	char *work = arena_printf(arena, "%s/work", dir->path);
	const struct strlist *layers = snapshot_layers(w->snapshot);

	if (make_folder(upper, err) < 0 || make_folder(work, err) < 0)
		return err->code;
	spec->mode = SPEC_OVERLAY;
	spec->upper = upper;
	spec->work = work;
	for (size_t i = 0; i < layers->count; i++)
		strlist_add(&spec->lowers, layers->items[i]);
	return 0;
}

/*
 * Can the copy be mounted on the common project folder? Found out by doing it, in a
 * process that takes the mount with it when it ends.
 */
static bool
can_bind(const struct workspaces *w, const char *copy)
{
	int status = -1;
	pid_t pid;

	if (w->userns && userns_obstacle() != NULL)
		return false;
	pid = fork();
	if (pid == 0) {
		struct error ignored = ERROR_INIT;

		if (overlay_unshare(w->userns, &ignored) < 0 ||
		    overlay_bind(copy, w->project_dir, &ignored) < 0)
			_exit(1);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Nothing can be mounted: the copy goes where the job before this one had its own. */
static int
place_copy(const struct workspaces *w, const struct jobdir *dir, const char *copy,
    struct arena *arena, struct spec *spec, struct error *err)
{
	struct copy_place place;

	if (copy_place_claim(w->copies_dir, dir, copy, strrchr(w->project_dir, '/') + 1,
		&place, err) < 0)
		return err->code;
	spec->mode = SPEC_PLAIN;
	spec->userns = false;
	spec->source = arena_strdup(arena, place.dir);
	spec->project_dir = arena_strdup(arena, place.project_dir);
	copy_place_clear(&place);
	return 0;
}

static int
prepare_copy(const struct workspaces *w, const struct jobdir *dir, bool with_source,
    const atomic_bool *cancel, struct arena *arena, struct spec *spec, struct error *err)
{
	char *copy = arena_printf(arena, "%s/copy", dir->path);

	if (make_folder(copy, err) < 0)
		return err->code;
	if (with_source &&
	    layers_copy_plain(snapshot_layers(w->snapshot), copy, cancel, err) < 0)
		return err->code;
	if (!can_bind(w, copy))
		return place_copy(w, dir, copy, arena, spec, err);
	spec->mode = SPEC_BIND;
	spec->source = copy;
	return 0;
}

/* In the job's own folder, whose path everybody on this machine knows it by. */
static int
prepare_seen(const struct workspaces *w, const struct jobdir *dir, bool with_source,
    const atomic_bool *cancel, struct arena *arena, struct spec *spec, struct error *err)
{
	char *copy = arena_printf(arena, "%s/copy", dir->path);

	spec->userns = false;
	spec->project_dir = copy;
	if (make_folder(copy, err) < 0)
		return err->code;
	return with_source
	    ? layers_copy_plain(snapshot_layers(w->snapshot), copy, cancel, err)
	    : 0;
}

int
workspace_prepare(const struct workspaces *w, const struct jobdir *dir,
    enum workspace_mode wanted, const atomic_bool *cancel, struct arena *arena,
    struct spec *spec, struct error *err)
{
	enum workspace_mode mode = settle(w, wanted);

	spec->mode = SPEC_PLAIN;
	spec->project_dir = arena_strdup(arena, w->project_dir);
	spec->userns = w->userns;
	if (mode == WORKSPACE_COPY_SEEN || mode == WORKSPACE_EMPTY_SEEN)
		return prepare_seen(
		    w, dir, mode == WORKSPACE_COPY_SEEN, cancel, arena, spec, err);
	if (mode == WORKSPACE_OVERLAY)
		return prepare_overlay(w, dir, arena, spec, err);
	if (mode == WORKSPACE_COPY || mode == WORKSPACE_EMPTY)
		return prepare_copy(
		    w, dir, mode == WORKSPACE_COPY, cancel, arena, spec, err);
	spec->project_dir = arena_strdup(arena, w->root);
	return 0;
}
