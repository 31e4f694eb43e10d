/*
 * Where a job runs: its project folder, mounted where only this job sees it, and the
 * files of file variables, which lie in memory alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/overlay.h"
#include "base/path.h"
#include "runner/supervisor/files.h"
#include "runner/supervisor/procs.h"
#include "runner/supervisor/supervision.h"

/* A sandbox or container hides what is mounted for it. */
static bool
has_namespace(const struct spec *spec)
{
	return spec->mode != SPEC_PLAIN ||
	    (spec->cage.argv.count > 0 && !spec->cage.on_host);
}

static int
mount_project(struct supervision *s, struct error *err)
{
	const struct spec *spec = &s->spec;
	cleanup_free char *source = procs_mount_source(spec->marker);
	struct overlay overlay = {
		.source = source,
		.lowers = &spec->lowers,
		.upper = spec->upper,
		.work = spec->work,
		.userns = spec->userns,
	};
	int rc;

	if (spec->mode == SPEC_PLAIN && !has_namespace(spec))
		return 0;
	if (overlay_unshare(spec->userns, err) < 0)
		return err->code;
	if (spec->mode == SPEC_PLAIN)
		return 0;
	rc = spec->mode == SPEC_OVERLAY
	    ? overlay_mount(&overlay, spec->project_dir, err)
	    : overlay_bind(spec->source, spec->project_dir, err);
	s->is_mounted = rc == 0;
	return rc;
}

static int
mount_one(const struct supervision *s, const struct cage_mount *mount, struct error *err)
{
	cleanup_free char *source = procs_mount_source(s->spec.marker);
	struct overlay overlay = {
		.source = source,
		.lowers = &mount->lowers,
		.upper = mount->upper,
		.work = mount->work,
		.userns = s->spec.userns,
	};

	switch (mount->kind) {
	case CAGE_MOUNT_OVERLAY:
		return overlay_mount(&overlay, mount->target, err);
	case CAGE_MOUNT_BIND:
		return overlay_bind(mount->source, mount->target, err);
	case CAGE_MOUNT_HIDE:
		return overlay_tmpfs(source, mount->target, err);
	case CAGE_MOUNT_KIND_COUNT:
		break;
	}
	return 0;
}

static int
mount_others(struct supervision *s, struct error *err)
{
	for (; s->mounted < s->spec.cage.mount_count; s->mounted++)
		if (mount_one(s, &s->spec.cage.mounts[s->mounted], err) < 0)
			return err->code;
	return 0;
}

static int
write_file_variable(
    const struct supervision *s, const struct spec_file *file, struct error *err)
{
	cleanup_free char *path = path_join(s->files_dir, file->name);
	mode_t mode = s->spec.cage.on_host ? 0644 : 0600;

	return path_write_file(path, file->content.data, file->content.len, mode, err);
}

/*
 * For a cage it lies where the runner could know it would. What is shared with a
 * container lies in a folder nobody else may enter, so whatever users the container has
 * may.
 */
static int
create_files_dir(struct supervision *s, struct error *err)
{
	if (s->spec.cage.on_host) {
		if (files_create_dir(s->spec.marker, &s->files_root, err) < 0)
			return err->code;
		s->files_dir = path_join(s->files_root, CAGE_FILES_NAME);
		if (mkdir(s->files_dir, 0700) < 0 || chmod(s->files_dir, 01777) < 0)
			return error_errno(err, "cannot create %s", s->files_dir);
		return 0;
	}
	if (s->spec.cage.argv.count == 0)
		return files_create_dir(s->spec.marker, &s->files_dir, err);
	s->files_dir = path_join(s->spec.job_dir, CAGE_FILES_NAME);
	if (mkdir(s->files_dir, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot create %s", s->files_dir);
	return 0;
}

/* In a namespace of our own nobody else sees what lies in it. */
static int
mount_files(struct supervision *s, struct error *err)
{
	cleanup_free char *source = procs_mount_source(s->spec.marker);

	if (overlay_tmpfs(source, s->files_dir, err) < 0)
		return err->code;
	s->files_mounted = true;
	return 0;
}

static int
place_files(struct supervision *s, struct error *err)
{
	/* a bind mount cannot bear the marker, so this one does */
	if (s->spec.file_count == 0 && s->spec.mode != SPEC_BIND &&
	    s->spec.cage.argv.count == 0)
		return 0;
	if (create_files_dir(s, err) < 0)
		return err->code;
	if (has_namespace(&s->spec) && mount_files(s, err) < 0)
		return err->code;
	for (size_t i = 0; i < s->spec.file_count; i++)
		if (write_file_variable(s, &s->spec.files[i], err) < 0)
			return err->code;
	return 0;
}

/* The descriptors stay open, and with them the locks, until this process ends. */
static int
take_locks(const struct supervision *s, struct error *err)
{
	const struct strlist *locks = &s->spec.cage.locks;

	for (size_t i = 0; i < locks->count; i++) {
		int fd = open(locks->items[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || flock(fd, LOCK_SH) < 0) {
			cleanup_close_fd(&fd);
			return error_errno(err, "cannot lock %s", locks->items[i]);
		}
	}
	return 0;
}

/* The workspace becomes the user's the job runs as. */
static int
give_place(const struct supervision *s, struct error *err)
{
	const struct cage *cage = &s->spec.cage;

	if (!cage->gives)
		return 0;
	if (path_give_tree(s->files_dir, (uid_t)cage->uid, (gid_t)cage->gid, err) < 0)
		return err->code;
	return path_give_tree(
	    s->spec.project_dir, (uid_t)cage->uid, (gid_t)cage->gid, err);
}

/* It looks at us from outside, so it is there before we leave. */
static void
prepare_uplink(struct supervision *s)
{
	const struct cage *cage = &s->spec.cage;

	if (cage->service_count > 0 && cage->uplink != NULL &&
	    network_uplink_prepare(cage->uplink, s->spec.userns, &s->uplink) < 0)
		network_uplink_end(&s->uplink);
}

static int
enter_network(struct supervision *s, struct error *err)
{
	const struct cage *cage = &s->spec.cage;
	struct error why = ERROR_INIT;

	if (cage->service_count == 0 || cage->on_host)
		return 0;
	if (network_enter(cage, &s->network, err) < 0)
		return err->code;
	if (s->uplink.go < 0 || network_uplink_go(&s->uplink, &s->network, &why) == 0)
		return 0;
	trace_printf(&s->trace,
	    "\033[0;33mWARNING: the job reaches its services, but nothing else: %s did not "
	    "give its network a way out: %s\033[0;m\n",
	    cage->uplink, why.msg);
	return network_go(s->network.home, err);
}

int
supervision_enter_place(struct supervision *s, struct error *err)
{
	if (take_locks(s, err) < 0)
		return err->code;
	prepare_uplink(s);
	if (mount_project(s, err) < 0 || enter_network(s, err) < 0 ||
	    mount_others(s, err) < 0 || place_files(s, err) < 0 || give_place(s, err) < 0)
		return err->code;
	if (chdir(s->spec.project_dir) < 0)
		return error_errno(
		    err, "cannot enter the project folder %s", s->spec.project_dir);
	return 0;
}

static int
remove_files(struct supervision *s, struct error *err)
{
	int rc = 0;

	if (s->files_dir == NULL)
		return 0;
	if (s->files_mounted)
		rc = overlay_unmount(s->files_dir, err);
	s->files_mounted = false;
	if (rc == 0)
		rc = path_remove_tree(
		    AT_FDCWD, s->files_root != NULL ? s->files_root : s->files_dir, err);
	return rc;
}

/* What is mounted in the job's folder must not be removed with it. */
static int
unmount_others(struct supervision *s, struct error *err)
{
	int rc = 0;

	while (s->mounted > 0)
		if (overlay_unmount(s->spec.cage.mounts[--s->mounted].target, err) < 0)
			rc = err->code;
	return rc;
}

/* Goes on after a failure; the first is reported. */
int
supervision_leave_place(struct supervision *s, struct error *err)
{
	int rc = remove_files(s, err);

	if (unmount_others(s, err) < 0 && rc == 0)
		rc = err->code;
	if (chdir("/") < 0 && rc == 0)
		rc = error_errno(err, "cannot leave the project folder");
	return rc;
}

int
supervision_free_path(const struct supervision *s, struct error *err)
{
	cleanup_free char *end = path_join(s->spec.job_dir, "place");

	if (s->spec.mode != SPEC_PLAIN || s->spec.source == NULL ||
	    rename(s->spec.source, end) == 0)
		return 0;
	return error_errno(err, "cannot move %s to %s", s->spec.source, end);
}

int
supervision_clear_place(struct supervision *s, struct error *err)
{
	const char *const layers[] = { s->spec.upper, s->spec.work };

	if (s->is_mounted && overlay_unmount(s->spec.project_dir, err) < 0)
		return err->code;
	s->is_mounted = false;
	for (size_t i = 0; i < ARRAY_LEN(layers) && s->spec.mode == SPEC_OVERLAY; i++)
		if (path_remove_tree(AT_FDCWD, layers[i], err) < 0)
			return err->code;
	return 0;
}
