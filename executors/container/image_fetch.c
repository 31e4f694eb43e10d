/* skopeo's command lines, and its failures in our words. */
#include "executors/container/image_fetch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "base/visible.h"
#include "executors/container/image_manifest.h"

#define MANIFEST_TIMEOUT_MS                                                              \
	(5 * 60 * 1000) /* skopeo itself waits for a busy registry                       \
			 */

/* What its words mean, the first that is found. */
static const struct {
	const char *words;
	int code;
} meanings[] = {
	{ "toomanyrequests", -EBUSY }, { "too many requests", -EBUSY },
	{ "no space left on device", -ENOSPC }, { "disk quota exceeded", -ENOSPC },
	{ "gave http response to https client", -EPROTO }, { "x509:", -EPROTO },
	{ "certificate", -EPROTO }, { "unauthorized", -EACCES },
	{ "authentication required", -EACCES }, { "denied", -EACCES },
	{ "forbidden", -EACCES }, { "invalid username/password", -EACCES },
	{ "manifest unknown", ERR_MISSING }, { "name unknown", ERR_MISSING },
	{ "not found", ERR_MISSING }, { "no descriptor found", ERR_MISSING },
	{ "no such file", ERR_MISSING }, { "no such host", -EHOSTUNREACH },
	{ "connection refused", -EHOSTUNREACH }, { "timeout", -EHOSTUNREACH },
	{ "unreachable", -EHOSTUNREACH }, { "connection reset", -EHOSTUNREACH },
	{ "server misbehaving", -EHOSTUNREACH }, { "service unavailable", -EHOSTUNREACH },
	{ "bad gateway", -EHOSTUNREACH }, { "eof", -EHOSTUNREACH },
	{ "get \"http", -EHOSTUNREACH }, /* and what else Go says of a connection */
};

/* The msg="…" of its last line, without what comes before the reason. */
static void
reason_of(const char *line, struct buf *out)
{
	static const char *const starts[] = { "Error parsing image name \"",
		"initializing source docker://", "pinging container registry " };
	const char *p = strstr(line, " msg=\"");
	struct buf text = BUF_INIT;
	const char *rest;

	for (p = p == NULL ? line : p + 6; *p != '\0' && *p != '"'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		buf_add_char(&text, *p == 'n' && p[-1] == '\\' ? ' ' : *p);
	}
	rest = buf_str(&text);
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(rest, starts[i]) && strstr(rest, ": ") != NULL)
			rest = strstr(rest, ": ") + 2;
	visible_add(out, rest);
	buf_clear(&text);
}

static int
meaning_of(const char *reason)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (strcasestr(reason, meanings[i].words) != NULL)
			return meanings[i].code;
	return ERR_FOREIGN;
}

static int
explain_file(const struct image_fetch *f, int code, const char *why, struct error *err)
{
	if (code == -ENOSPC)
		return error_set(err, ERR_ENVIRONMENT, "%s: the disk is full", f->image);
	return error_set(
	    err, code == ERR_MISSING ? code : ERR_INVALID, "%s: %.400s", f->image, why);
}

static int
explain(const struct image_fetch *f, const char *why, struct error *err)
{
	const char *at = f->registry;
	int code = meaning_of(why);

	if (at == NULL)
		return explain_file(f, code, why, err);
	switch (code) {
	case -EBUSY:
		return error_set(
		    err, code, "%s is asked too often (429): %.300s", at, why);
	case -ENOSPC:
		return error_set(err, ERR_ENVIRONMENT,
		    "%s cannot be stored: the disk is full", f->image);
	case -EPROTO:
		return error_set(err, -EHOSTUNREACH,
		    "%s cannot be trusted, its TLS is not valid: %.300s; if it is meant to "
		    "be so, name it among the insecure registries",
		    at, why);
	case -EACCES:
		return error_set(err, code,
		    "%s does not give out %s (%.300s): %s, or there is no such image", at,
		    f->image, why,
		    *f->auth == '\0'
			? "it wants credentials, which DOCKER_AUTH_CONFIG can hold"
			: "the credentials are not right");
	case ERR_MISSING:
		return error_set(err, code,
		    "%s has no image %s (%.200s): check its name and tag", at, f->image,
		    why);
	case -EHOSTUNREACH:
		return error_set(
		    err, code, "%s cannot be reached for %s: %.300s", at, f->image, why);
	default:
		return error_set(err, code, "%s cannot be pulled: %.400s", f->image, why);
	}
}

/* A file in memory that the child reads by a path, so that no secret reaches a disk. */
static int
write_auth(const char *auth, struct error *err)
{
	cleanup_close int fd = memfd_create("pawl-image-auth", MFD_CLOEXEC);

	if (fd < 0 || path_write_fd(fd, auth, strlen(auth)) < 0)
		return error_errno(err, "cannot hand over credentials");
	return take_fd(&fd);
}

static void
on_error_line(const char *line, void *data)
{
	const struct image_fetch *f = data;
	const char *p = strstr(line, "Too many requests to ");
	double seconds;

	if (p == NULL || f->on_busy == NULL)
		return;
	p = strstr(p, "sleeping for ");
	if (p != NULL && sscanf(p, "sleeping for %lf", &seconds) == 1)
		f->on_busy(seconds, f->data);
}

static bool
on_tick(void *data)
{
	const struct image_fetch *f = data;

	return f->on_tick == NULL || f->on_tick(f->data);
}

/* Where nobody has said which signatures are wanted, none are. */
static bool
has_policy(void)
{
	const char *home = getenv("HOME");
	cleanup_free char *own =
	    xasprintf("%s/.config/containers/policy.json", home == NULL ? "" : home);

	return access(own, R_OK) == 0 || access("/etc/containers/policy.json", R_OK) == 0;
}

static int
run(const struct image_fetch *f, const char *const *argv, int timeout_ms, struct buf *out,
    struct error *err)
{
	/* the struct is only read */
	struct process p = { .argv = argv,
		.max_out = IMAGE_JSON_MAX,
		.timeout_ms = timeout_ms,
		.on_tick = on_tick,
		.on_error_line = on_error_line,
		.data = (void *)(uintptr_t)f };
	cleanup_buf struct buf why = BUF_INIT;
	int rc = process_run(&p, out, NULL, err);

	if (rc == 0 || rc == ERR_CANCELED)
		return rc;
	if (rc == ERR_MISSING)
		return error_set(err, ERR_ENVIRONMENT,
		    "images are fetched by skopeo, and %s cannot be started: install it (in "
		    "Debian the package skopeo)",
		    f->skopeo);
	if (rc == ERR_LIMIT)
		return error_set(err, -EHOSTUNREACH, "%s: %s does not answer", f->image,
		    f->registry == NULL ? "skopeo" : f->registry);
	reason_of(err->msg, &why);
	return explain(f, buf_str(&why), err);
}

struct command {
	const char *argv[32];
	size_t count;
	char auth[64]; /* the path of its credentials */
};

static void
add(struct command *c, const char *word)
{
	c->argv[c->count++] = word;
}

static void
begin(struct command *c, const struct image_fetch *f)
{
	add(c, f->skopeo);
	add(c, "--debug"); /* it says only so that it waits for a busy registry */
	add(c, "--command-timeout=24h"); /* if we die, it is not for ever alone */
	if (!has_policy())
		add(c, "--insecure-policy");
	add(c, "--override-os");
	add(c, f->platform->os);
	add(c, "--override-arch");
	add(c, f->platform->architecture);
	if (*f->platform->variant != '\0') {
		add(c, "--override-variant");
		add(c, f->platform->variant);
	}
}

/* Without credentials it would look for some in places of its own. */
static void
add_access(struct command *c, const struct image_fetch *f, int auth_fd, bool is_copy)
{
	if (auth_fd >= 0) {
		(void)snprintf(
		    c->auth, sizeof(c->auth), "/proc/%d/fd/%d", (int)getpid(), auth_fd);
		add(c, is_copy ? "--src-authfile" : "--authfile");
		add(c, c->auth);
	} else {
		add(c, is_copy ? "--src-no-creds" : "--no-creds");
	}
	if (f->is_insecure)
		add(c, is_copy ? "--src-tls-verify=false" : "--tls-verify=false");
}

/* -1: goes without. Fails with err. */
static int
open_auth(const struct image_fetch *f, int *fd, struct error *err)
{
	*fd = -1;
	if (f->auth == NULL || *f->auth == '\0')
		return 0;
	*fd = write_auth(f->auth, err);
	return *fd < 0 ? err->code : 0;
}

int
image_fetch_manifest(const struct image_fetch *f, struct buf *out, struct error *err)
{
	struct command c = { .count = 0 };
	cleanup_close int auth = -1;

	if (open_auth(f, &auth, err) < 0)
		return err->code;
	begin(&c, f);
	add(&c, "inspect");
	add(&c, "--raw");
	add_access(&c, f, auth, false);
	add(&c, f->source);
	return run(f, c.argv, MANIFEST_TIMEOUT_MS, out, err);
}

int
image_fetch_copy(const struct image_fetch *f, const char *layout, const char *blob_dir,
    struct error *err)
{
	cleanup_free char *target = xasprintf("oci:%s:image", layout);
	cleanup_buf struct buf words = BUF_INIT;
	struct command c = { .count = 0 };
	cleanup_close int auth = -1;

	if (open_auth(f, &auth, err) < 0)
		return err->code;
	begin(&c, f);
	add(&c, "copy");
	add_access(&c, f, auth, true);
	/* signatures have no place in such a folder */
	add(&c, "--remove-signatures");
	add(&c, "--dest-oci-accept-uncompressed-layers");
	add(&c, "--dest-shared-blob-dir");
	add(&c, blob_dir);
	add(&c, f->source);
	add(&c, target);
	/* a registry that stalls is noticed by on_tick */
	return run(f, c.argv, INT_MAX, &words, err);
}
