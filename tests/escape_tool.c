/*
 * System calls a hostile job would make; static, so that it starts in any image.
 *
 *     escape-tool NAME [ARGUMENT]
 *
 * Ends with 0 when the call of that name did what no job may do, with 1 when it was
 * refused, with 2 when there is no such name. "escape-tool list" prints the names.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A call that was let in, though its arguments are wrong on purpose. */
static bool
was_let_in(long rc)
{
	return rc >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS);
}

/* The descriptor stays: this process ends soon. */
static bool
opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd >= 0;
}

static bool
has_socket(int family, int protocol)
{
	int fd = socket(family, SOCK_RAW, protocol);

	return fd >= 0;
}

/* ---- other processes ------------------------------------------------------- */

static bool
trace_init(const char *arg)
{
	(void)arg;
	return ptrace(PTRACE_SEIZE, 1, 0, 0) == 0;
}

static bool
read_init(const char *arg)
{
	int fd = open("/proc/1/mem", O_RDONLY);

	(void)arg;
	return fd >= 0;
}

static bool
take_file_of_init(const char *arg)
{
	int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);

	(void)arg;
	for (int fd = 3; fd < 16; fd++)
		if (syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0)
			return true;
	return false;
}

static bool
kill_init(const char *arg)
{
	(void)arg;
	(void)kill(1, SIGKILL);
	(void)kill(1, SIGSTOP);
	(void)kill(1, SIGSEGV);
	(void)usleep(50000);
	return kill(1, 0) < 0 && errno == ESRCH;
}

/* By its number outside. In a PID namespace it may be another's, or nobody's. */
static bool
signal_outside(const char *arg)
{
	long pid = arg == NULL ? 0 : strtol(arg, NULL, 10);

	return pid > 1000 && kill((pid_t)pid, SIGKILL) == 0;
}

static bool
leaked_files(const char *arg)
{
	(void)arg;
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return true;
	return false;
}

static bool
shared_memory(const char *arg)
{
	return arg != NULL && shmget((key_t)strtol(arg, NULL, 0), 0, 0) >= 0;
}

/* ---- namespaces and mounts ------------------------------------------------- */

static bool
enter_namespaces(const char *arg)
{
	static const char *const names[] = { "user", "mnt", "net", "pid", "ipc", "uts",
		"cgroup" };

	(void)arg;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64];
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/1/ns/%s", names[i]);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && setns(fd, 0) == 0)
			return true;
	}
	return false;
}

static bool
unshare_user(const char *arg)
{
	(void)arg;
	return unshare(CLONE_NEWUSER) == 0;
}

static bool
unshare_mounts(const char *arg)
{
	(void)arg;
	return unshare(CLONE_NEWNS) == 0;
}

static bool
clone_user(const char *arg)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	(void)arg;
	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
clone3_user(const char *arg)
{
	uint64_t args[8] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0 };
	long pid = syscall(SYS_clone3, args, sizeof(args));

	(void)arg;
	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
mount_tmpfs(const char *arg)
{
	(void)arg;
	return mount("none", "/tmp", "tmpfs", 0, NULL) == 0;
}

static bool
mount_new_api(const char *arg)
{
	(void)arg;
	return was_let_in(syscall(SYS_fsopen, "tmpfs", 0)) ||
	    was_let_in(syscall(SYS_open_tree, AT_FDCWD, "/", 1));
}

static bool
unmount_cover(const char *arg)
{
	static const char *const covers[] = { "/proc/sys", "/proc/kcore", "/etc/shadow",
		"/proc/sysrq-trigger", "/etc/ssl/private", "/sys/firmware", "/tmp" };

	(void)arg;
	for (size_t i = 0; i < sizeof(covers) / sizeof(covers[0]); i++)
		if (umount2(covers[i], MNT_DETACH) == 0)
			return true;
	return false;
}

static bool
remount_writable(const char *arg)
{
	static const char *const places[] = { "/", "/usr", "/etc", "/proc/sys", "/sys" };

	(void)arg;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (mount(NULL, places[i], NULL, MS_REMOUNT | MS_BIND, NULL) == 0)
			return true;
	return false;
}

/* Out of a chroot of one's own, to what lies above the cage's root. */
static bool
leave_root(const char *arg)
{
	struct stat root, up;

	if (stat("/", &root) < 0 || mkdir("jail", 0700) < 0 || chroot("jail") < 0)
		return false;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			return false;
	return stat(".", &up) == 0 &&
	    (up.st_dev != root.st_dev || up.st_ino != root.st_ino) &&
	    (arg == NULL || access(arg, F_OK) == 0);
}

static bool
open_by_handle(const char *arg)
{
	struct {
		struct file_handle head;
		unsigned char space[MAX_HANDLE_SZ];
	} h = { .head = { .handle_bytes = MAX_HANDLE_SZ } };
	int id, root = open(".", O_RDONLY | O_DIRECTORY);

	(void)arg;
	if (name_to_handle_at(AT_FDCWD, "/", &h.head, &id, 0) < 0)
		return false;
	return open_by_handle_at(root, &h.head, O_RDONLY) >= 0;
}

/* ---- devices --------------------------------------------------------------- */

static bool
make_device(mode_t mode, dev_t dev)
{
	bool works = mknod("device", mode | 0600, dev) == 0 && opens("device", O_RDONLY);

	(void)unlink("device");
	return works;
}

static bool
make_disk(const char *arg)
{
	(void)arg;
	return make_device(S_IFBLK, makedev(8, 0)) ||
	    make_device(S_IFBLK, makedev(254, 0)) || make_device(S_IFBLK, makedev(7, 0));
}

static bool
make_memory(const char *arg)
{
	(void)arg;
	return make_device(S_IFCHR, makedev(1, 1)) ||
	    make_device(S_IFCHR, makedev(1, 11));
}

/* Keys pressed in a terminal: of our own here, as there must be no other. */
static bool
presses(int fd)
{
	return fd >= 0 && ioctl(fd, TIOCSTI, "x") == 0;
}

/* On whatever terminal is at hand. */
static bool
press_keys(const char *arg)
{
	bool any = presses(open("/dev/ptmx", O_RDWR | O_NOCTTY)) ||
	    presses(open("/dev/tty", O_RDWR));
	char path[32];

	(void)arg;
	for (int i = 0; i < 3; i++)
		any = (isatty(i) == 1 && presses(i)) || any;
	for (int i = 0; i < 64; i++) {
		(void)snprintf(path, sizeof(path), "/dev/pts/%d", i);
		any = presses(open(path, O_RDWR | O_NOCTTY)) || any;
	}
	return any;
}

/* The console's selection, which a job on a console could choose before. */
static bool
paste_selection(const char *arg)
{
	char paste = 3; /* TIOCL_PASTESEL */
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	(void)arg;
	return fd >= 0 && was_let_in(ioctl(fd, TIOCLINUX, &paste));
}

/* On its own one alone, as a control: "x" is typed there. */
static bool
press_own_key(const char *arg)
{
	(void)arg;
	return ioctl(STDIN_FILENO, TIOCSTI, "x") == 0;
}

static bool
has_terminal(const char *arg)
{
	(void)arg;
	return isatty(0) == 1 || isatty(1) == 1 || isatty(2) == 1 ||
	    opens("/dev/tty", O_RDWR);
}

static bool
ports(const char *arg)
{
	(void)arg;
#ifdef SYS_iopl
	return was_let_in(syscall(SYS_iopl, 3)) ||
	    was_let_in(syscall(SYS_ioperm, 0x80, 1, 1));
#else
	return false;
#endif
}

/* ---- the kernel itself ----------------------------------------------------- */

static bool
set_clock(const char *arg)
{
	struct timespec now;

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &now);
	return clock_settime(CLOCK_REALTIME, &now) == 0;
}

static bool
shape_network(const char *arg)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)arg;
	/* to what it is: where it works, it does no harm */
	return ioctl(fd, SIOCGIFMTU, &lo) == 0 && ioctl(fd, SIOCSIFMTU, &lo) == 0;
}

static bool
raw_packets(const char *arg)
{
	(void)arg;
	return has_socket(AF_PACKET, 0) || has_socket(AF_INET, 1);
}

static bool
name_machine(const char *arg)
{
	(void)arg; /* whether it was the machine's is seen from outside */
	if (sethostname("escaped", 7) == 0)
		(void)fprintf(stderr, "it has a name of its own\n");
	return false;
}

#define CALL(name, ...)                                                                  \
	static bool call_##name(const char *arg)                                         \
	{                                                                                \
		(void)arg;                                                               \
		return was_let_in(syscall(SYS_##name, __VA_ARGS__));                     \
	}

CALL(acct, NULL)
CALL(add_key, "user", "escape", "x", 1, -3)
CALL(bpf, 0, NULL, 0)
CALL(delete_module, "no-such", 0)
CALL(fanotify_init, 0, 0)
CALL(finit_module, -1, "", 0)
CALL(init_module, NULL, 0, "")
CALL(io_uring_setup, 4, NULL)
CALL(kcmp, 1, 1, 0, 0, 0)
CALL(kexec_load, 0, 0, NULL, 0)
CALL(keyctl, 0, -3, 0)
CALL(perf_event_open, NULL, 0, -1, -1, 0)
CALL(pivot_root, ".", ".")
CALL(quotactl, 0, NULL, 0, NULL)
CALL(reboot, 0, 0, 0, NULL)
CALL(request_key, "user", "escape", NULL, 0)
CALL(swapon, "/no/such", 0)
CALL(syslog, 3, NULL, 0)
CALL(userfaultfd, 1)

#ifdef __x86_64__
/* The same kernel by other doors, whose calls have other numbers. */
static long
call_i386(long number, long a, long b)
{
	long rc;

	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(number), "b"(a), "c"(b)
			 : "memory", "r8", "r9", "r10", "r11");
	if (rc >= 0)
		return rc;
	errno = (int)-rc;
	return -1;
}

static bool
older_sister(const char *arg)
{
	(void)arg;
	return was_let_in(call_i386(425, 4, 0)) ||          /* io_uring_setup */
	    was_let_in(call_i386(310, CLONE_NEWUSER, 0)) || /* unshare */
	    was_let_in(call_i386(357, 0, 0));               /* bpf */
}

static bool
younger_sister(const char *arg)
{
	(void)arg;
	return was_let_in(syscall(0x40000000L | SYS_io_uring_setup, 4, NULL)) ||
	    was_let_in(syscall(0x40000000L | SYS_unshare, CLONE_NEWUSER));
}
#endif

static const struct {
	const char *name;
	bool (*works)(const char *arg);
} calls[] = {
	{ "trace-init", trace_init },
	{ "read-init", read_init },
	{ "take-file-of-init", take_file_of_init },
	{ "kill-init", kill_init },
	{ "signal-outside", signal_outside },
	{ "leaked-files", leaked_files },
	{ "shared-memory", shared_memory },
	{ "enter-namespaces", enter_namespaces },
	{ "unshare-user", unshare_user },
	{ "unshare-mounts", unshare_mounts },
	{ "clone-user", clone_user },
	{ "clone3-user", clone3_user },
	{ "mount", mount_tmpfs },
	{ "mount-new-api", mount_new_api },
	{ "unmount-cover", unmount_cover },
	{ "remount-writable", remount_writable },
	{ "leave-root", leave_root },
	{ "open-by-handle", open_by_handle },
	{ "make-disk", make_disk },
	{ "make-memory", make_memory },
	{ "press-keys", press_keys },
	{ "press-own-key", press_own_key },
	{ "paste-selection", paste_selection },
	{ "has-terminal", has_terminal },
	{ "ports", ports },
	{ "set-clock", set_clock },
	{ "shape-network", shape_network },
	{ "raw-packets", raw_packets },
	{ "name-machine", name_machine },
	{ "acct", call_acct },
	{ "add-key", call_add_key },
	{ "bpf", call_bpf },
	{ "delete-module", call_delete_module },
	{ "fanotify", call_fanotify_init },
	{ "finit-module", call_finit_module },
	{ "init-module", call_init_module },
	{ "io-uring", call_io_uring_setup },
	{ "kcmp", call_kcmp },
	{ "kexec", call_kexec_load },
	{ "keyctl", call_keyctl },
	{ "perf-event", call_perf_event_open },
	{ "pivot-root", call_pivot_root },
	{ "quotactl", call_quotactl },
	{ "reboot", call_reboot },
	{ "request-key", call_request_key },
	{ "swapon", call_swapon },
	{ "kernel-log", call_syslog },
	{ "userfaultfd", call_userfaultfd },
#ifdef __x86_64__
	{ "i386", older_sister },
	{ "x32", younger_sister },
#endif
};

int
main(int argc, char **argv)
{
	bool lists = argc == 2 && strcmp(argv[1], "list") == 0;

	for (size_t i = 0; argc > 1 && i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (lists)
			(void)puts(calls[i].name);
		else if (strcmp(argv[1], calls[i].name) == 0)
			return calls[i].works(argc > 2 ? argv[2] : NULL) ? 0 : 1;
	}
	return lists ? 0 : 2;
}
