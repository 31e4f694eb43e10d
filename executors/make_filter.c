/*
 * Run while building: prints the system call filter of refused_calls.h as a C header, as
 * the kernel takes it.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "executors/refused_calls.h"

static void
must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	(void)fprintf(stderr, "make-filter: %s: error %d\n", what, -rc);
	exit(1);
}

/* The processor's older sisters, whose calls have other numbers. */
static void
add_architectures(scmp_filter_ctx filter)
{
	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return;
	must(seccomp_arch_add(filter, SCMP_ARCH_X86), "x86");
	must(seccomp_arch_add(filter, SCMP_ARCH_X32), "x32");
}

static void
add_rules(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof(refused_calls) / sizeof(refused_calls[0]); i++) {
		int nr = seccomp_syscall_resolve_name(refused_calls[i]);

		if (nr != __NR_SCMP_ERROR)
			must(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), nr, 0),
			    refused_calls[i]);
	}
	must(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
		 SCMP_A0(SCMP_CMP_MASKED_EQ, REFUSED_CLONE_FLAG, REFUSED_CLONE_FLAG)),
	    "clone");
	must(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0),
	    "clone3");
	for (size_t i = 0; i < sizeof(refused_ioctls) / sizeof(refused_ioctls[0]); i++)
		must(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
			 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, refused_ioctls[i])),
		    "ioctl");
}

static void
print(const unsigned char *bytes, size_t len)
{
	(void)printf("/* Made by make-filter from executors/make_filter.c. */\n"
		     "static const unsigned char sandbox_filter[] = {");
	for (size_t i = 0; i < len; i++)
		(void)printf("%s%u,", i % 16 == 0 ? "\n\t" : " ", bytes[i]);
	(void)printf("\n};\n");
}

int
main(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	static unsigned char bytes[65536];
	ssize_t n;

	if (filter == NULL || fd < 0)
		return 1;
	add_architectures(filter);
	add_rules(filter);
	must(seccomp_export_bpf(filter, fd), "export");
	n = pread(fd, bytes, sizeof(bytes), 0);
	if (n <= 0)
		return 1;
	print(bytes, (size_t)n);
	seccomp_release(filter);
	return 0;
}
