/*
 * Opening libarchive: loading it takes 4 ms (it drags in libxml2 and ICU), which only a
 * job with artifacts, caches or a new image has to pay.
 */
#include "config.h"

#include "base/archive_lib.h"

#include <dlfcn.h>
#include <errno.h>

#include "base/copy.h"

#define BLOCK (128 * 1024)

int
archive_lib_open(struct archive_lib *l, struct error *err)
{
	l->handle =
	    dlopen(PAWL_LIBARCHIVE_SONAME, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	if (l->handle == NULL)
		return error_set(err, ERR_ENVIRONMENT,
		    "artifacts, caches and images need libarchive: %s", dlerror());
#define X(name)                                                                          \
	*(void **)&l->name = dlsym(l->handle, #name);                                    \
	if (l->name == NULL)                                                             \
		return error_set(err, ERR_ENVIRONMENT, "%s", dlerror());
	ARCHIVE_FUNCTIONS(X)
#undef X
	return 0;
}

void
archive_lib_close(struct archive_lib *l)
{
	if (l->handle != NULL)
		dlclose(l->handle);
	*l = (struct archive_lib){ .handle = NULL };
}

int
archive_lib_read(
    struct archive_lib *l, int in_fd, struct archive **out, struct error *err)
{
	if (archive_lib_open(l, err) < 0)
		return err->code;
	*out = l->archive_read_new();
	if (l->archive_read_support_format_tar(*out) < ARCHIVE_WARN ||
	    l->archive_read_support_format_zip(*out) < ARCHIVE_WARN ||
	    l->archive_read_support_filter_zstd(*out) < ARCHIVE_WARN ||
	    l->archive_read_open_fd(*out, in_fd, BLOCK) < ARCHIVE_WARN)
		return archive_lib_error(l, *out, "cannot read the archive", err);
	return 0;
}

int
archive_lib_error(
    const struct archive_lib *l, struct archive *a, const char *what, struct error *err)
{
	const char *text = l->archive_error_string(a);

	errno = l->archive_errno(a);
	if (errno == ENOSPC || errno == EDQUOT || errno == EROFS)
		return copy_errno(err, "cannot write", what);
	return error_set(
	    err, ERR_INVALID, "%s: %s", what, text == NULL ? "unknown error" : text);
}
