/* Namespaces and mounts, by the plain system calls. */
#include "base/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/buf.h"

/* mount(2) takes one page of options, its NUL included. */
#define OPTIONS_MAX 4095

/* In an option string a comma ends a value, a colon a layer, a backslash escapes. */
static void
add_path(struct buf *options, const char *path)
{
	for (; *path != '\0'; path++) {
		if (*path == ',' || *path == ':' || *path == '\\')
			buf_add_char(options, '\\');
		buf_add_char(options, *path);
	}
}

static void
add_options(struct buf *options, const struct overlay *o, bool is_volatile)
{
	buf_add_str(options, is_volatile ? "volatile," : "");
	/* redirect_dir lets root rename folders of a lower; a user cannot have it */
	buf_add_str(options, o->userns ? "userxattr" : "redirect_dir=on");
	buf_add_str(options, ",upperdir=");
	add_path(options, o->upper);
	buf_add_str(options, ",workdir=");
	add_path(options, o->work);
	buf_add_str(options, ",lowerdir=");
	for (size_t i = 0; i < o->lowers->count; i++) {
		buf_add_str(options, i == 0 ? "" : ":");
		add_path(options, o->lowers->items[i]);
	}
}

static const char *
source_name(const struct overlay *o)
{
	return o->source != NULL ? o->source : "overlay";
}

/* The older call: one string, short enough. */
static int
mount_by_string(const struct overlay *o, const char *target, bool is_volatile)
{
	cleanup_buf struct buf options = BUF_INIT;

	add_options(&options, o, is_volatile);
	if (options.len > OPTIONS_MAX) {
		errno = E2BIG;
		return -1;
	}
	return mount(source_name(o), target, "overlay", MS_NODEV, options.data);
}

static int
configure(int fs, const struct overlay *o, bool is_volatile)
{
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", source_name(o), 0) < 0)
		return -1;
	for (size_t i = 0; i < o->lowers->count; i++)
		if (fsconfig(
			fs, FSCONFIG_SET_STRING, "lowerdir+", o->lowers->items[i], 0) < 0)
			return -1;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "upperdir", o->upper, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "workdir", o->work, 0) < 0)
		return -1;
	if (is_volatile && fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
		return -1;
	if (o->userns ? fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0
		      : fsconfig(fs, FSCONFIG_SET_STRING, "redirect_dir", "on", 0) < 0)
		return -1;
	return fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

/* Linux 6.5: layer by layer, so any number and length of them. */
static int
mount_by_layers(const struct overlay *o, const char *target, bool is_volatile)
{
	cleanup_close int fs = fsopen("overlay", FSOPEN_CLOEXEC), fd = -1;

	if (fs < 0 || configure(fs, o, is_volatile) < 0)
		return -1;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
	return fd < 0 ? -1
		      : move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}

static int
mount_once(const struct overlay *o, const char *target, bool is_volatile)
{
	int rc = mount_by_string(o, target, is_volatile);

	if (rc < 0 && errno == E2BIG) {
		rc = mount_by_layers(o, target, is_volatile);
		if (rc < 0 && (errno == EINVAL || errno == ENOSYS))
			errno = E2BIG; /* the kernel is too old for it */
	}
	return rc;
}

int
overlay_mount(const struct overlay *o, const char *target, struct error *err)
{
	/* volatile is known since Linux 5.10 */
	if (mount_once(o, target, true) == 0)
		return 0;
	if (errno == EINVAL && mount_once(o, target, false) == 0)
		return 0;
	if (errno == E2BIG)
		return error_errno(err,
		    "cannot mount %zu layers on %s: before Linux 6.5 their paths must fit "
		    "into %d bytes together",
		    o->lowers->count, target, OPTIONS_MAX);
	return error_errno(err, "cannot mount an overlay on %s", target);
}

int
overlay_unmount(const char *target, struct error *err)
{
	if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return error_errno(err, "cannot unmount %s", target);
	return 0;
}

int
overlay_tmpfs(const char *source, const char *target, struct error *err)
{
	if (mount(source, target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") < 0)
		return error_errno(err, "cannot mount a tmpfs on %s", target);
	return 0;
}

int
overlay_bind(const char *source, const char *target, struct error *err)
{
	if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
		return error_errno(err, "cannot mount %s on %s", source, target);
	return 0;
}

static int
write_file(const char *path, const char *text, struct error *err)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return error_errno(err, "cannot write %s", path);
	return 0;
}

static int
map_ids(uid_t uid, gid_t gid, struct error *err)
{
	char text[64];

	/* what an ordinary user must give up before it may map a group */
	if (write_file("/proc/self/setgroups", "deny", err) < 0)
		return err == NULL ? ERR_ENVIRONMENT : err->code;
	(void)snprintf(
	    text, sizeof(text), "%lu %lu 1", (unsigned long)uid, (unsigned long)uid);
	if (write_file("/proc/self/uid_map", text, err) < 0)
		return err == NULL ? ERR_ENVIRONMENT : err->code;
	(void)snprintf(
	    text, sizeof(text), "%lu %lu 1", (unsigned long)gid, (unsigned long)gid);
	return write_file("/proc/self/gid_map", text, err);
}

int
overlay_unshare(bool userns, struct error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNS | (userns ? CLONE_NEWUSER : 0)) < 0)
		return error_errno(err,
		    userns ? "this system gives ordinary users no user namespace"
			   : "cannot have a mount namespace");
	if (userns && map_ids(uid, gid, err) < 0)
		return error_wrap(err, "user namespace");
	/* slave: what the machine unmounts later is not kept busy by us */
	if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return error_errno(err, "cannot keep mounts to ourselves");
	return 0;
}
