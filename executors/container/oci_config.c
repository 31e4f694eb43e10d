/* Writing a container's config.json. */
#include "executors/container/oci_config.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "executors/refused_calls.h"

#define SPEC_VERSION "1.0.2"

struct capability {
	const char *name;
	int number;
};

#define CAPABILITY(name)                                                                 \
	{                                                                                \
		"CAP_" #name, CAP_##name                                                 \
	}

/* Podman's default, which is Docker's without raw sockets, device nodes and audit. */
static const struct capability usual_capabilities[] = { CAPABILITY(CHOWN),
	CAPABILITY(DAC_OVERRIDE), CAPABILITY(FOWNER), CAPABILITY(FSETID),
	CAPABILITY(KILL), CAPABILITY(NET_BIND_SERVICE), CAPABILITY(SETFCAP),
	CAPABILITY(SETGID), CAPABILITY(SETPCAP), CAPABILITY(SETUID),
	CAPABILITY(SYS_CHROOT) };

static const struct capability more_capabilities[] = { CAPABILITY(AUDIT_CONTROL),
	CAPABILITY(AUDIT_READ), CAPABILITY(AUDIT_WRITE), CAPABILITY(MKNOD),
	CAPABILITY(NET_RAW), CAPABILITY(BLOCK_SUSPEND), CAPABILITY(BPF),
	CAPABILITY(CHECKPOINT_RESTORE), CAPABILITY(DAC_READ_SEARCH), CAPABILITY(IPC_LOCK),
	CAPABILITY(IPC_OWNER), CAPABILITY(LEASE), CAPABILITY(LINUX_IMMUTABLE),
	CAPABILITY(MAC_ADMIN), CAPABILITY(MAC_OVERRIDE), CAPABILITY(NET_ADMIN),
	CAPABILITY(NET_BROADCAST), CAPABILITY(PERFMON), CAPABILITY(SYSLOG),
	CAPABILITY(SYS_ADMIN), CAPABILITY(SYS_BOOT), CAPABILITY(SYS_MODULE),
	CAPABILITY(SYS_NICE), CAPABILITY(SYS_PACCT), CAPABILITY(SYS_PTRACE),
	CAPABILITY(SYS_RAWIO), CAPABILITY(SYS_RESOURCE), CAPABILITY(SYS_TIME),
	CAPABILITY(SYS_TTY_CONFIG), CAPABILITY(WAKE_ALARM) };

/* What tells of the machine, or changes it. Docker's lists. */
static const char *const masked[] = { "/proc/acpi", "/proc/asound", "/proc/interrupts",
	"/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
	"/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
	"/sys/devices/virtual/powercap", "/sys/firmware" };
static const char *const unchanged[] = { "/proc/bus", "/proc/fs", "/proc/irq",
	"/proc/sys", "/proc/sysrq-trigger" };

static void
add_strings(struct json_writer *w, const char *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_add_string(w, items[i]);
}

static void
put_strings(
    struct json_writer *w, const char *key, const char *const *items, size_t count)
{
	json_key(w, key);
	json_begin_array(w);
	add_strings(w, items, count);
	json_end_array(w);
}

static void
put_list(struct json_writer *w, const char *key, const struct strlist *list)
{
	put_strings(w, key, (const char *const *)list->items, list->count);
}

/*
 * What runs containers in there makes groups for them. They are to lie in that of this
 * container, which the runtime makes, and go with it.
 */
static bool
has_own_groups(const struct oci_config *c)
{
	return c->privileged && !c->userns;
}

/* ---- the process ----------------------------------------------------------- */

/*
 * Nobody can give what he has not: root of a container, of a machine that is kept short,
 * and a kernel that is older. In a user namespace root has all there are.
 */
static void
add_capabilities(struct json_writer *w, const struct oci_config *c,
    const struct capability *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c->userns ||
		    prctl(PR_CAPBSET_READ, (unsigned long)list[i].number, 0, 0, 0) == 1)
			json_add_string(w, list[i].name);
}

static void
put_capability_set(
    struct json_writer *w, const char *key, const struct oci_config *c, bool is_empty)
{
	json_key(w, key);
	json_begin_array(w);
	if (!is_empty)
		add_capabilities(w, c, usual_capabilities, ARRAY_LEN(usual_capabilities));
	if (!is_empty && c->privileged)
		add_capabilities(w, c, more_capabilities, ARRAY_LEN(more_capabilities));
	json_end_array(w);
}

/* Who is not root may come to some, by a setuid program, but has none. */
static void
put_capabilities(struct json_writer *w, const struct oci_config *c)
{
	json_key(w, "capabilities");
	json_begin_object(w);
	put_capability_set(w, "bounding", c, false);
	put_capability_set(w, "effective", c, c->uid != 0);
	put_capability_set(w, "permitted", c, c->uid != 0);
	json_end_object(w);
}

static void
put_user(struct json_writer *w, const struct oci_config *c)
{
	json_key(w, "user");
	json_begin_object(w);
	json_put_int(w, "uid", c->uid);
	json_put_int(w, "gid", c->gid);
	if (c->group_count > 0 && !c->userns) {
		json_key(w, "additionalGids");
		json_begin_array(w);
		for (size_t i = 0; i < c->group_count; i++)
			json_add_int(w, c->groups[i]);
		json_end_array(w);
	}
	json_end_object(w);
}

static void
put_process(struct json_writer *w, const struct oci_config *c)
{
	json_key(w, "process");
	json_begin_object(w);
	put_user(w, c);
	put_list(w, "args", &c->args);
	put_list(w, "env", &c->env);
	json_put_string(w, "cwd", "/");
	put_capabilities(w, c);
	json_end_object(w);
}

/* ---- mounts ---------------------------------------------------------------- */

static void
add_mount(struct json_writer *w, const char *to, const char *type, const char *source,
    const char *const *options, size_t count)
{
	json_begin_object(w);
	json_put_string(w, "destination", to);
	json_put_string(w, "type", type);
	json_put_string(w, "source", source);
	put_strings(w, "options", options, count);
	json_end_object(w);
}

#define OPTIONS(...)                                                                     \
	(const char *const[]){ __VA_ARGS__ },                                            \
	    ARRAY_LEN(((const char *const[]){ __VA_ARGS__ }))

/*
 * In a user namespace a mount keeps what was forbidden outside, and a runtime that does
 * not repeat it fails.
 */
static void
add_bind(struct json_writer *w, const struct oci_bind *bind)
{
	const char *options[5] = { "rbind", bind->read_only ? "ro" : "rw", "nodev" };
	struct statvfs fs = { .f_flag = 0 };
	size_t n = 3;

	if (statvfs(bind->from, &fs) < 0)
		fs.f_flag = 0;
	if (bind->no_setuid || bind->read_only || (fs.f_flag & ST_NOSUID) != 0)
		options[n++] = "nosuid";
	if ((fs.f_flag & ST_NOEXEC) != 0)
		options[n++] = "noexec";
	add_mount(w, bind->to, "bind", bind->from, options, n);
}

static void
put_mounts(struct json_writer *w, const struct oci_config *c)
{
	json_key(w, "mounts");
	json_begin_array(w);
	add_mount(w, "/proc", "proc", "proc", OPTIONS("nosuid", "noexec", "nodev"));
	add_mount(w, "/dev", "tmpfs", "tmpfs",
	    OPTIONS("nosuid", "strictatime", "mode=755", "size=65536k"));
	if (c->userns) /* the group tty is not there */
		add_mount(w, "/dev/pts", "devpts", "devpts",
		    OPTIONS(
			"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"));
	else
		add_mount(w, "/dev/pts", "devpts", "devpts",
		    OPTIONS("nosuid", "noexec", "newinstance", "ptmxmode=0666",
			"mode=0620", "gid=5"));
	add_mount(w, "/dev/shm", "tmpfs", "shm",
	    OPTIONS("nosuid", "noexec", "nodev", "mode=1777"));
	add_mount(
	    w, "/dev/mqueue", "mqueue", "mqueue", OPTIONS("nosuid", "noexec", "nodev"));
	if (c->userns && !c->own_network) /* sysfs is the network's, which is not ours */
		add_mount(w, "/sys", "bind", "/sys",
		    OPTIONS("rbind", "nosuid", "noexec", "nodev", "ro"));
	else
		add_mount(w, "/sys", "sysfs", "sysfs",
		    c->privileged
			? (const char *const[]){ "nosuid", "noexec", "nodev" }
			: (const char *const[]){ "nosuid", "noexec", "nodev", "ro" },
		    c->privileged ? 3 : 4);
	if (has_own_groups(c))
		add_mount(w, "/sys/fs/cgroup", "cgroup", "cgroup",
		    OPTIONS("nosuid", "noexec", "nodev", "relatime", "rw"));
	for (size_t i = 0; i < c->bind_count; i++)
		add_bind(w, &c->binds[i]);
	json_end_array(w);
}

/* ---- what is the kernel's -------------------------------------------------- */

static void
add_namespace(struct json_writer *w, const char *type)
{
	json_begin_object(w);
	json_put_string(w, "type", type);
	json_end_object(w);
}

static void
put_namespaces(struct json_writer *w, const struct oci_config *c)
{
	static const char *const types[] = { "pid", "ipc", "uts", "mount" };

	json_key(w, "namespaces");
	json_begin_array(w);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		add_namespace(w, types[i]);
	if (c->own_network)
		add_namespace(w, "network");
	if (c->userns)
		add_namespace(w, "user");
	if (has_own_groups(c))
		add_namespace(w, "cgroup");
	json_end_array(w);
}

static void
put_mapping(struct json_writer *w, const char *key, int64_t id)
{
	json_key(w, key);
	json_begin_array(w);
	json_begin_object(w);
	json_put_int(w, "containerID", 0);
	json_put_int(w, "hostID", id);
	json_put_int(w, "size", 1);
	json_end_object(w);
	json_end_array(w);
}

/* Refused when the argument of this index has, of these bits, those of value. */
static void
add_masked_rule(
    struct json_writer *w, const char *name, int index, uint32_t bits, uint32_t value)
{
	json_begin_object(w);
	put_strings(w, "names", OPTIONS(name));
	json_put_string(w, "action", "SCMP_ACT_ERRNO");
	json_key(w, "args");
	json_begin_array(w);
	json_begin_object(w);
	json_put_int(w, "index", index);
	json_put_int(w, "value", bits);
	json_put_int(w, "valueTwo", value);
	json_put_string(w, "op", "SCMP_CMP_MASKED_EQ");
	json_end_object(w);
	json_end_array(w);
	json_end_object(w);
}

static void
add_rules(struct json_writer *w)
{
	add_masked_rule(w, "clone", 0, REFUSED_CLONE_FLAG, REFUSED_CLONE_FLAG);
	for (size_t i = 0; i < ARRAY_LEN(refused_ioctls); i++)
		add_masked_rule(w, "ioctl", 1, UINT32_MAX, refused_ioctls[i]);
	json_begin_object(w);
	put_strings(w, "names", OPTIONS("clone3"));
	json_put_string(w, "action", "SCMP_ACT_ERRNO");
	json_put_int(w, "errnoRet", ENOSYS);
	json_end_object(w);
}

static void
put_filter(struct json_writer *w)
{
	json_key(w, "seccomp");
	json_begin_object(w);
	json_put_string(w, "defaultAction", "SCMP_ACT_ALLOW");
#ifdef __x86_64__
	put_strings(w, "architectures",
	    OPTIONS("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"));
#endif
	json_key(w, "syscalls");
	json_begin_array(w);
	json_begin_object(w);
	put_strings(w, "names", refused_calls, ARRAY_LEN(refused_calls));
	json_put_string(w, "action", "SCMP_ACT_ERRNO");
	json_end_object(w);
	add_rules(w);
	json_end_array(w);
	json_end_object(w);
}

/*
 * Where /sys is this machine's, its cgroups are, too, and read-only would hold for the
 * top of it alone: a user may be given some, in which his other processes are.
 */
static void
put_masked(struct json_writer *w, const struct oci_config *c)
{
	json_key(w, "maskedPaths");
	json_begin_array(w);
	add_strings(w, masked, ARRAY_LEN(masked));
	if (c->userns && !c->own_network)
		json_add_string(w, "/sys/fs/cgroup");
	json_end_array(w);
}

/* Else runc allows the usual ones alone, whoever asks for them. */
static void
put_devices(struct json_writer *w)
{
	json_key(w, "resources");
	json_begin_object(w);
	json_key(w, "devices");
	json_begin_array(w);
	json_begin_object(w);
	json_put_bool(w, "allow", true);
	json_put_string(w, "access", "rwm");
	json_end_object(w);
	json_end_array(w);
	json_end_object(w);
}

static void
put_linux(struct json_writer *w, const struct oci_config *c)
{
	json_key(w, "linux");
	json_begin_object(w);
	put_namespaces(w, c);
	if (c->group != NULL)
		json_put_string(w, "cgroupsPath", c->group);
	if (c->userns) {
		put_mapping(w, "uidMappings", geteuid());
		put_mapping(w, "gidMappings", getegid());
	}
	if (has_own_groups(c))
		put_devices(w);
	if (!c->privileged) {
		put_masked(w, c);
		put_strings(w, "readonlyPaths", unchanged, ARRAY_LEN(unchanged));
		if (c->filter == NULL)
			put_filter(w);
	}
	json_end_object(w);
}

void
oci_config_write(const struct oci_config *c, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_string(&w, "ociVersion", SPEC_VERSION);
	json_put_string(&w, "hostname", c->hostname);
	json_key(&w, "root");
	json_begin_object(&w);
	json_put_string(&w, "path", c->root);
	json_end_object(&w);
	put_process(&w, c);
	put_mounts(&w, c);
	put_linux(&w, c);
	if (c->filter != NULL && !c->privileged) {
		/* crun takes it as it is, which saves it compiling the names */
		json_key(&w, "annotations");
		json_begin_object(&w);
		json_put_string(&w, "run.oci.seccomp_bpf_data", c->filter);
		json_end_object(&w);
	}
	json_end_object(&w);
}
