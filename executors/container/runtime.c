/* Finding and calling an OCI runtime. */
#include "executors/container/runtime.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"

/* crun starts faster; runc's groups for a container lie in that of the job. */
static const struct runtime known[] = {
	{ .program = "/usr/bin/crun", .is_crun = true },
	{ .program = "/usr/local/bin/crun", .is_crun = true },
	{ .program = "/usr/local/bin/runc" },
	{ .program = "/usr/local/sbin/runc" },
	{ .program = "/usr/bin/runc" },
	{ .program = "/usr/sbin/runc" },
};

int
runtime_find(const char *path, bool privileged, struct runtime *out, struct error *err)
{
	const char *name;
	size_t n = ARRAY_LEN(known);

	if (path == NULL)
		path = getenv("PAWL_OCI_RUNTIME");
	name = path == NULL ? NULL : strrchr(path, '/');
	if (path != NULL) {
		*out = (struct runtime){ path, name != NULL && str_starts(name, "/crun"),
			privileged };
		if (access(path, X_OK) < 0)
			return error_errno(err, "the OCI runtime %s", path);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		const struct runtime *r = &known[privileged ? n - 1 - i : i];

		if (access(r->program, X_OK) < 0)
			continue;
		*out = *r;
		out->own_groups = privileged;
		return 0;
	}
	return error_set(err, ERR_ENVIRONMENT,
	    "no OCI runtime is installed (Debian's packages crun, or runc)");
}

void
runtime_argv(const struct runtime *r, const char *bundle, const char *state_dir,
    const char *name, struct strlist *argv)
{
	const char *const words[] = { r->program, "--root", state_dir, "run",
		"--preserve-fds", "1", "--bundle", bundle, name };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		strlist_add(argv, words[i]);
		if (i == 2 && r->is_crun)
			strlist_add(argv,
			    r->own_groups ? "--cgroup-manager=cgroupfs"
					  : "--cgroup-manager=disabled");
	}
}

static bool
is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

const char *
runtime_hidden(const struct runtime *r, bool userns)
{
	if (!r->is_crun || is_cgroup2(CGROUPS) || !is_cgroup2(CGROUPS "/unified"))
		return NULL;
	return userns ? CGROUPS : CGROUPS "/unified";
}
