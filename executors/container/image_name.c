/* Docker's grammar by hand: it is small, and its errors are worth saying well. */
#include "executors/container/image_name.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/visible.h"

#define MAX_NAME 255 /* registry and path, as in Docker */
#define MAX_TAG 128
#define MAX_TEXT 8192
#define DOCKER_HUB "docker.io"

static const struct {
	const char *prefix;
	enum image_kind kind;
} kinds[] = {
	{ "docker://", IMAGE_REGISTRY },
	{ "oci:", IMAGE_OCI_FOLDER },
	{ "oci-archive:", IMAGE_OCI_ARCHIVE },
	{ "docker-archive:", IMAGE_DOCKER_ARCHIVE },
};

static bool
is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_word(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

static int
invalid(struct error *err, const char *text, const char *why)
{
	cleanup_buf struct buf shown = BUF_INIT;

	visible_add(&shown, text);
	return error_set(err, ERR_INVALID, "image \"%.300s\": %s", buf_str(&shown), why);
}

bool
image_digest_is_valid(const char *digest)
{
	return str_starts(digest, "sha256:") &&
	    strspn(digest + 7, "0123456789abcdef") == 64 && strlen(digest) == 7 + 64;
}

/* Between two runs of letters and digits: one dot, one or two underscores, dashes. */
static size_t
separator_len(const char *s)
{
	if (*s == '.')
		return 1;
	if (*s == '_')
		return s[1] == '_' ? 2 : 1;
	return strspn(s, "-");
}

static bool
is_path(const char *s)
{
	for (;;) {
		size_t n;

		if (!is_lower(*s))
			return false;
		while (is_lower(*s))
			s++;
		if (*s == '\0')
			return true;
		n = *s == '/' ? 1 : separator_len(s);
		if (n == 0)
			return false;
		s += n;
	}
}

static bool
is_port(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n <= 5 && s[n] == '\0';
}

/* A host's name or an IPv4 address: letters and digits, single dots and dashes inside. */
static bool
is_host(const char *s, size_t len)
{
	char before = '.';

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '.' && s[i] != '-')
			return false;
		if ((s[i] == '.' && !isalnum((unsigned char)before)) ||
		    (s[i] == '-' && before == '.'))
			return false;
		before = s[i];
	}
	return isalnum((unsigned char)before) != 0;
}

static bool
is_registry(const char *s)
{
	size_t len;

	if (*s == '[') { /* IPv6 */
		len = strspn(s + 1, "0123456789abcdefABCDEF:");
		s += 1 + len;
		return len > 1 && *s == ']' &&
		    (s[1] == '\0' || (s[1] == ':' && is_port(s + 2)));
	}
	len = strcspn(s, ":");
	return is_host(s, len) && (s[len] == '\0' || is_port(s + len + 1));
}

static bool
is_tag(const char *s)
{
	size_t n = 0;

	while (is_word(s[n]) || (n > 0 && (s[n] == '.' || s[n] == '-')))
		n++;
	return n > 0 && n <= MAX_TAG && s[n] == '\0';
}

/* What stands before the first slash is a registry when it can be nothing else. */
static const char *
split_registry(const char *name, char **registry)
{
	size_t len = strcspn(name, "/");
	bool is_host_like = false;

	if (name[len] == '\0') {
		*registry = xstrdup(DOCKER_HUB);
		return name;
	}
	for (size_t i = 0; i < len; i++)
		is_host_like |= name[i] == '.' || name[i] == ':' ||
		    isupper((unsigned char)name[i]) != 0;
	if (!is_host_like && (len != 9 || memcmp(name, "localhost", 9) != 0)) {
		*registry = xstrdup(DOCKER_HUB);
		return name;
	}
	*registry = xstrndup(name, len);
	if (str_eq(*registry, "index.docker.io")) {
		free(*registry);
		*registry = xstrdup(DOCKER_HUB);
	}
	return name + len + 1;
}

/* The digest and the tag at the end of name, cut off. */
static void
cut_end(char *name, struct image_name *out)
{
	char *at = strchr(name, '@'), *slash, *colon;

	if (at != NULL) {
		out->digest = xstrdup(at + 1);
		*at = '\0';
	}
	slash = strrchr(name, '/');
	colon = strrchr(slash == NULL ? name : slash, ':');
	if (colon != NULL) {
		out->tag = xstrdup(colon + 1);
		*colon = '\0';
	}
}

static int
check_parts(const struct image_name *n, const char *text, struct error *err)
{
	if (n->digest != NULL && !image_digest_is_valid(n->digest))
		return invalid(err, text,
		    "after @ comes a digest, sha256: and 64 hexadecimal digits");
	if (n->tag != NULL && !is_tag(n->tag))
		return invalid(err, text,
		    "a tag has letters, digits, _ . and -, 128 at most, and begins with "
		    "none of the last two");
	if (!is_registry(n->registry))
		return invalid(
		    err, text, "before the first / stands no valid host of a registry");
	if (*n->path == '\0')
		return invalid(err, text, "it has no name");
	for (const char *p = n->path; *p != '\0'; p++)
		if (isupper((unsigned char)*p))
			return invalid(
			    err, text, "names of images are written in lower case");
	if (!is_path(n->path))
		return invalid(err, text,
		    "a name has lower-case letters and digits, and between them single "
		    ". _ - or /");
	if (strlen(n->registry) + 1 + strlen(n->path) > MAX_NAME)
		return invalid(err, text, "its name is longer than 255 characters");
	return 0;
}

static int
parse_registry(
    const char *name, const char *text, struct image_name *out, struct error *err)
{
	cleanup_free char *copy = xstrdup(name);
	const char *rest;

	cut_end(copy, out);
	rest = split_registry(copy, &out->registry);
	if (str_eq(out->registry, DOCKER_HUB) && strchr(rest, '/') == NULL &&
	    *rest != '\0')
		out->path = xasprintf("library/%s", rest);
	else
		out->path = xstrdup(rest);
	if (out->tag == NULL && out->digest == NULL)
		out->tag = xstrdup("latest");
	if (strspn(copy, "0123456789abcdef") == 64 && copy[64] == '\0')
		return invalid(err, text,
		    "64 hexadecimal digits are an id, not a name: write NAME@sha256:…");
	return check_parts(out, text, err);
}

static bool
starts_path(const char *s)
{
	return *s == '/' || str_starts(s, "./") || str_starts(s, "../");
}

static int
parse_local(const char *rest, const char *text, const char *dir, struct image_name *out,
    struct error *err)
{
	size_t len = strcspn(rest, ":");

	if (dir == NULL)
		return invalid(err, text,
		    "files of the runner's machine cannot be named here; push the image to a "
		    "registry");
	out->path = *rest == '/' ? xstrndup(rest, len)
				 : xasprintf("%s/%.*s", dir, (int)len, rest);
	if (strchr(out->path, ':') != NULL)
		return invalid(err, text, "the path of its folder must not hold a colon");
	if (rest[len] == ':')
		out->tag = xstrdup(rest + len + 1);
	if (out->tag == NULL)
		return 0;
	for (const char *p = out->tag; *p != '\0'; p++)
		if (!is_word(*p) && strchr("./:-@+", *p) == NULL)
			return invalid(err, text, "its tag is not valid");
	return *out->tag == '\0' ? invalid(err, text, "its tag is empty") : 0;
}

static int
parse(const char *text, const char *local_dir, struct image_name *out, struct error *err)
{
	if (strlen(text) > MAX_TEXT)
		return invalid(err, text, "it is too long");
	if (str_is_blank(text))
		return invalid(err, text, "the name is empty");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *rest = text + strlen(kinds[i].prefix);

		if (!str_starts(text, kinds[i].prefix))
			continue;
		if (kinds[i].kind == IMAGE_REGISTRY)
			return parse_registry(rest, text, out, err);
		if (!starts_path(rest))
			continue; /* oci:latest, oci:5000/app: names like any other */
		out->kind = kinds[i].kind;
		return parse_local(rest, text, local_dir, out, err);
	}
	return parse_registry(text, text, out, err);
}

int
image_name_parse(
    const char *text, const char *local_dir, struct image_name *out, struct error *err)
{
	struct image_name n = { .kind = IMAGE_REGISTRY };

	if (parse(text, local_dir, &n, err) < 0) {
		image_name_clear(&n);
		return err->code;
	}
	*out = n;
	return 0;
}

void
image_name_clear(struct image_name *n)
{
	free(n->registry);
	free(n->path);
	free(n->tag);
	free(n->digest);
	*n = (struct image_name){ .kind = IMAGE_REGISTRY };
}

static const char *
prefix_of(enum image_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].prefix;
	return "";
}

char *
image_name_text(const struct image_name *n)
{
	struct buf b = BUF_INIT;

	if (n->kind == IMAGE_REGISTRY)
		buf_printf(&b, "%s/", n->registry);
	else
		buf_add_str(&b, prefix_of(n->kind));
	buf_add_str(&b, n->path);
	if (n->tag != NULL)
		buf_printf(&b, ":%s", n->tag);
	if (n->digest != NULL)
		buf_printf(&b, "@%s", n->digest);
	return buf_take(&b);
}

char *
image_name_repository(const struct image_name *n)
{
	return n->kind == IMAGE_REGISTRY ? xasprintf("%s/%s", n->registry, n->path)
					 : NULL;
}

char *
image_name_source(const struct image_name *n, const char *repository, const char *digest)
{
	cleanup_free char *own = image_name_repository(n);

	if (own == NULL)
		return n->tag == NULL
		    ? xasprintf("%s%s", prefix_of(n->kind), n->path)
		    : xasprintf("%s%s:%s", prefix_of(n->kind), n->path, n->tag);
	if (repository == NULL)
		repository = own;
	if (digest == NULL)
		digest = n->digest; /* skopeo takes a tag or a digest, not both */
	if (digest != NULL)
		return xasprintf("docker://%s@%s", repository, digest);
	return xasprintf("docker://%s:%s", repository, n->tag);
}
