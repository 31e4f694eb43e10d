/*
 * System calls no build needs, and which have often been a way out of a cage: loading
 * code into the kernel, its keys, tracing of the whole machine, old or rarely tested
 * doors. Source: docker's default profile and flatpak's list, of which this is the common
 * part.
 */
#ifndef EXECUTORS_REFUSED_CALLS_H
#define EXECUTORS_REFUSED_CALLS_H

#include <sys/ioctl.h>

static const char *const refused_calls[] = { "acct", "add_key", "bpf", "delete_module",
	"fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick",
	"init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "kcmp",
	"kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "mount",
	"mount_setattr", "move_mount", "move_pages", "nfsservctl", "open_by_handle_at",
	"open_tree", "perf_event_open", "pivot_root", "quotactl", "quotactl_fd", "reboot",
	"request_key", "setns", "swapoff", "swapon", "syslog", "umount2", "unshare",
	"userfaultfd", "uselib", "vhangup" };

/*
 * Of clone(2): no user namespace, in which the kernel would listen to much more. The
 * arguments of clone3(2) a filter cannot see: it is not there, and libc takes clone(2).
 */
#define REFUSED_CLONE_FLAG 0x10000000 /* CLONE_NEWUSER */

/* Keys pressed for a terminal that is not the job's; a console's selection pasted. */
static const unsigned refused_ioctls[] = { TIOCSTI, TIOCLINUX };

#endif
