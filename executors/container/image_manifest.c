/* Manifests and configurations, read by jansson, held to what is used of them. */
#include "executors/container/image_manifest.h"

#include <ctype.h>
#include <jansson.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/visible.h"
#include "executors/container/image_name.h"

/* What others call what Go, and so images, call otherwise. */
static const struct {
	const char *machine, *architecture, *variant;
} machines[] = {
	{ "x86_64", "amd64", "" },
	{ "x86-64", "amd64", "" },
	{ "aarch64", "arm64", "" },
	{ "armv8l", "arm64", "" },
	{ "armv7l", "arm", "v7" },
	{ "armhf", "arm", "v7" },
	{ "armv6l", "arm", "v6" },
	{ "armel", "arm", "v6" },
	{ "i386", "386", "" },
	{ "i686", "386", "" },
	{ "loongarch64", "loong64", "" },
	{ "mips64", "mips64le", "" },
};

static const char *const layer_types[] = {
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar",
};

static json_t *
parse_object(const char *text, size_t len, const char *what, struct error *err)
{
	json_error_t why;
	json_t *root;

	if (len > IMAGE_JSON_MAX) {
		(void)error_set(
		    err, ERR_LIMIT, "%s is longer than %zu bytes", what, IMAGE_JSON_MAX);
		return NULL;
	}
	root = json_loadb(text, len, 0, &why);
	if (root == NULL) {
		(void)error_set(
		    err, ERR_INVALID, "%s is no JSON, see line %d", what, why.line);
	} else if (!json_is_object(root)) {
		(void)error_set(err, ERR_INVALID, "%s is no JSON object", what);
		json_decref(root);
		root = NULL;
	}
	return root;
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* ---- platforms */

static bool
copy_part(char out[32], const char *from, size_t len)
{
	if (len == 0 || len > 31)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)from[i]) && strchr("._-", from[i]) == NULL)
			return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

static void
translate_machine(struct image_platform *p)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (str_eq(p->architecture, machines[i].machine)) {
			const char *variant = machines[i].variant;

			(void)copy_part(p->architecture, machines[i].architecture,
			    strlen(machines[i].architecture));
			if (*p->variant == '\0')
				(void)copy_part(p->variant, variant, strlen(variant));
			return;
		}
}

static bool
split_platform(const char *text, struct image_platform *out)
{
	size_t os = strcspn(text, "/"), architecture;
	const char *rest = text + os;

	if (*rest == '\0')
		return copy_part(out->architecture, text, os);
	if (!copy_part(out->os, text, os))
		return false;
	architecture = strcspn(++rest, "/");
	if (!copy_part(out->architecture, rest, architecture))
		return false;
	rest += architecture;
	return *rest == '\0' || copy_part(out->variant, rest + 1, strlen(rest + 1));
}

int
image_platform_parse(const char *text, struct image_platform *out, struct error *err)
{
	struct image_platform p = { .os = "linux" };
	cleanup_buf struct buf shown = BUF_INIT;
	struct utsname u;

	if (text == NULL || *text == '\0') {
		if (uname(&u) < 0)
			return error_errno(err, "cannot tell this machine's kind");
		text = u.machine;
	}
	if (!split_platform(text, &p)) {
		visible_add(&shown, text);
		return error_set(err, ERR_INVALID,
		    "platform \"%.100s\" is not of the form os/architecture/variant, as in "
		    "linux/arm64",
		    buf_str(&shown));
	}
	translate_machine(&p);
	*out = p;
	return 0;
}

/* 0: not for us; else the more the better. */
static int
platform_fit(const json_t *instance, const struct image_platform *want)
{
	const json_t *p = json_object_get(instance, "platform");
	const char *variant = text_of(p, "variant");

	if (!str_eq(text_of(p, "os"), want->os) ||
	    !str_eq(text_of(p, "architecture"), want->architecture))
		return 0;
	if (str_eq(variant, want->variant))
		return 100;
	if (*want->variant == '\0' || *variant == '\0')
		return 50;
	/* ARM runs what is older */
	if (variant[0] == 'v' && want->variant[0] == 'v' && variant[1] < want->variant[1])
		return 1 + (variant[1] - '0') % 10;
	return 0;
}

static int
no_platform(const json_t *list, const struct image_platform *platform, struct error *err)
{
	cleanup_buf struct buf has = BUF_INIT, shown = BUF_INIT;
	const json_t *instance;
	size_t i;

	json_array_foreach(list, i, instance)
	{
		const json_t *p = json_object_get(instance, "platform");

		if (*text_of(p, "os") == '\0' || str_eq(text_of(p, "os"), "unknown") ||
		    has.len > 300)
			continue;
		buf_printf(&has, "%s%s/%s%s%s", has.len > 0 ? ", " : "", text_of(p, "os"),
		    text_of(p, "architecture"), *text_of(p, "variant") != '\0' ? "/" : "",
		    text_of(p, "variant"));
	}
	visible_add(&shown, buf_str(&has));
	return error_set(err, ERR_MISSING,
	    "the image is not made for %s/%s%s%s, but for %.400s", platform->os,
	    platform->architecture, *platform->variant != '\0' ? "/" : "",
	    platform->variant, has.len > 0 ? shown.data : "nothing that is named");
}

static int
choose_instance(const json_t *list, const struct image_platform *platform,
    struct arena *arena, struct image_manifest *out, struct error *err)
{
	const json_t *instance, *best = NULL;
	int most = 0;
	size_t i;

	json_array_foreach(list, i, instance)
	{
		int n = platform_fit(instance, platform);

		if (n > most) {
			most = n;
			best = instance;
		}
	}
	if (best == NULL)
		return no_platform(list, platform, err);
	if (!image_digest_is_valid(text_of(best, "digest")))
		return error_set(
		    err, ERR_INVALID, "the list of platforms has no valid digests");
	out->instance = arena_strdup(arena, text_of(best, "digest"));
	return 0;
}

/* ---- manifests */

static int
parse_blob(
    const json_t *from, struct arena *arena, struct image_blob *out, struct error *err)
{
	json_int_t size = json_integer_value(json_object_get(from, "size"));

	if (!image_digest_is_valid(text_of(from, "digest")) || size < 0)
		return error_set(err, ERR_INVALID,
		    "the manifest is damaged: a digest or a size is not valid");
	out->digest = arena_strdup(arena, text_of(from, "digest"));
	out->size = size;
	return 0;
}

static bool
is_layer(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(layer_types); i++) {
		const char *end = type + strlen(layer_types[i]);

		if (str_starts(type, layer_types[i]) &&
		    (*end == '\0' || str_eq(end, ".gzip") || str_eq(end, "+gzip") ||
			str_eq(end, "+zstd")))
			return true;
	}
	return false;
}

static int
not_an_image(const char *type, struct error *err)
{
	cleanup_buf struct buf shown = BUF_INIT;

	visible_add(&shown, type);
	return error_set(err, ERR_INVALID,
	    "this is no image of a container: it holds \"%.200s\"", buf_str(&shown));
}

static int
parse_layers(const json_t *layers, struct arena *arena, struct image_manifest *out,
    struct error *err)
{
	const json_t *layer;
	size_t i;

	if (json_array_size(layers) > IMAGE_LAYERS_MAX)
		return error_set(err, ERR_LIMIT,
		    "the image has %zu layers; %d are the most that can be stacked",
		    json_array_size(layers), IMAGE_LAYERS_MAX);
	out->layers =
	    arena_calloc(arena, json_array_size(layers) + 1, sizeof(*out->layers));
	json_array_foreach(layers, i, layer)
	{
		if (!is_layer(text_of(layer, "mediaType")))
			return not_an_image(text_of(layer, "mediaType"), err);
		if (parse_blob(layer, arena, &out->layers[i], err) < 0)
			return err->code;
	}
	out->layer_count = json_array_size(layers);
	return 0;
}

static int
parse_manifest(const json_t *root, const struct image_platform *platform,
    struct arena *arena, struct image_manifest *out, struct error *err)
{
	const json_t *config = json_object_get(root, "config");
	const char *type = text_of(config, "mediaType");

	if (json_integer_value(json_object_get(root, "schemaVersion")) == 1) {
		out->is_old = true;
		return 0;
	}
	if (json_is_array(json_object_get(root, "manifests")))
		return choose_instance(
		    json_object_get(root, "manifests"), platform, arena, out, err);
	if (!str_eq(type, "application/vnd.oci.image.config.v1+json") &&
	    !str_eq(type, "application/vnd.docker.container.image.v1+json"))
		return not_an_image(type, err);
	if (parse_blob(config, arena, &out->config, err) < 0)
		return err->code;
	return parse_layers(json_object_get(root, "layers"), arena, out, err);
}

int
image_manifest_parse(const char *text, size_t len, const struct image_platform *platform,
    struct arena *arena, struct image_manifest *out, struct error *err)
{
	json_t *root = parse_object(text, len, "the image's manifest", err);
	struct image_manifest m = { .instance = NULL };
	int rc;

	if (root == NULL)
		return err->code;
	rc = parse_manifest(root, platform, arena, &m, err);
	json_decref(root);
	if (rc == 0)
		*out = m;
	return rc;
}

int
image_index_parse(const char *text, size_t len, struct arena *arena, const char **digest,
    struct error *err)
{
	json_t *root = parse_object(text, len, "index.json", err);
	const json_t *list = json_object_get(root, "manifests");
	const char *found = text_of(json_array_get(list, 0), "digest");
	int rc = 0;

	if (root == NULL)
		return err->code;
	if (json_array_size(list) != 1 || !image_digest_is_valid(found))
		rc = error_set(
		    err, ERR_INVALID, "index.json does not name exactly one image");
	else
		*digest = arena_strdup(arena, found);
	json_decref(root);
	return rc;
}

/* ---- configurations */

/* The strings of a list; one string stands for a list of it; what is neither is left out.
 */
static struct image_strings
strings_of(const json_t *list, struct arena *arena)
{
	size_t count = json_is_string(list) ? 1 : json_array_size(list);
	struct image_strings out = { .count = 0 };

	if (count > 0)
		out.items = arena_calloc(arena, count, sizeof(*out.items));
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(
		    json_is_string(list) ? list : json_array_get(list, i));

		if (text != NULL)
			out.items[out.count++] = arena_strdup(arena, text);
	}
	return out;
}

static bool
is_port(const char *key)
{
	size_t n = strspn(key, "0123456789-");

	return isdigit((unsigned char)*key) && n <= 11 &&
	    (key[n] == '\0' || str_eq(key + n, "/tcp") || str_eq(key + n, "/udp") ||
		str_eq(key + n, "/sctp"));
}

static bool
is_volume(const char *key)
{
	return *key == '/';
}

/* Keys of an object that stands for a set. */
static struct image_strings
keys_of(json_t *object, bool (*is_valid)(const char *), struct arena *arena)
{
	struct image_strings out = { .count = 0 };
	json_t *value;
	const char *key;

	out.items = arena_calloc(arena, json_object_size(object) + 1, sizeof(*out.items));
	json_object_foreach(object, key, value)
	{
		if (is_valid(key))
			out.items[out.count++] = arena_strdup(arena, key);
	}
	return out;
}

static struct image_strings
env_of(const json_t *list, struct arena *arena)
{
	struct image_strings all = strings_of(list, arena);
	size_t kept = 0;

	for (size_t i = 0; i < all.count; i++)
		if (strchr(all.items[i], '=') != NULL && all.items[i][0] != '=')
			all.items[kept++] = all.items[i];
	all.count = kept;
	return all;
}

static struct image_health
health_of(const json_t *from, struct arena *arena)
{
	struct image_health h = {
		.test = strings_of(json_object_get(from, "Test"), arena),
		.interval_ns = json_integer_value(json_object_get(from, "Interval")),
		.timeout_ns = json_integer_value(json_object_get(from, "Timeout")),
		.start_period_ns =
		    json_integer_value(json_object_get(from, "StartPeriod")),
		.retries = json_integer_value(json_object_get(from, "Retries")),
	};

	return h;
}

/* As OCI spells it, and as some of Docker's programs did. */
static json_t *
settings_of(const json_t *root)
{
	json_t *own = json_object_get(root, "config");

	return own != NULL ? own : json_object_get(root, "Config");
}

static struct image_config
config_of(const json_t *root, struct arena *arena)
{
	const json_t *c = settings_of(root);
	struct image_config out = {
		.env = env_of(json_object_get(c, "Env"), arena),
		.entrypoint = strings_of(json_object_get(c, "Entrypoint"), arena),
		.cmd = strings_of(json_object_get(c, "Cmd"), arena),
		.workdir = arena_strdup(arena, text_of(c, "WorkingDir")),
		.user = arena_strdup(arena, text_of(c, "User")),
		.stop_signal = arena_strdup(arena, text_of(c, "StopSignal")),
		.ports = keys_of(json_object_get(c, "ExposedPorts"), is_port, arena),
		.volumes = keys_of(json_object_get(c, "Volumes"), is_volume, arena),
		.health = health_of(json_object_get(c, "Healthcheck"), arena),
		.os = arena_strdup(arena, text_of(root, "os")),
		.architecture = arena_strdup(arena, text_of(root, "architecture")),
		.variant = arena_strdup(arena, text_of(root, "variant")),
		.diff_ids = strings_of(
		    json_object_get(json_object_get(root, "rootfs"), "diff_ids"), arena),
	};

	return out;
}

int
image_config_parse(const char *text, size_t len, struct arena *arena,
    struct image_config *out, struct error *err)
{
	json_t *root = parse_object(text, len, "the image's configuration", err);
	struct image_config c;

	if (root == NULL)
		return err->code;
	c = config_of(root, arena);
	json_decref(root);
	for (size_t i = 0; i < c.diff_ids.count; i++)
		if (!image_digest_is_valid(c.diff_ids.items[i]))
			return error_set(err, ERR_INVALID,
			    "the image's configuration is damaged: \"diff_ids\" are no "
			    "SHA-256");
	*out = c;
	return 0;
}

/* Only the members config_of() looks at: history and labels can be long. */
static json_t *
shorten(json_t *root)
{
	static const char *const top[] = { "os", "architecture", "variant", "rootfs" };
	static const char *const inner[] = { "Env", "Entrypoint", "Cmd", "WorkingDir",
		"User", "StopSignal", "ExposedPorts", "Volumes", "Healthcheck" };
	json_t *from = settings_of(root), *to = json_object(),
	       *out = json_pack("{s:o}", "config", to);

	for (size_t i = 0; i < ARRAY_LEN(inner); i++)
		if (json_object_get(from, inner[i]) != NULL)
			(void)json_object_set(
			    to, inner[i], json_object_get(from, inner[i]));
	for (size_t i = 0; i < ARRAY_LEN(top); i++)
		if (json_object_get(root, top[i]) != NULL)
			(void)json_object_set(out, top[i], json_object_get(root, top[i]));
	return out;
}

int
image_config_shorten(const char *text, size_t len, struct buf *out, struct error *err)
{
	json_t *root = parse_object(text, len, "the image's configuration", err), *small;
	char *line;

	if (root == NULL)
		return err->code;
	small = shorten(root);
	line = json_dumps(small, JSON_COMPACT);
	if (line != NULL)
		buf_add_str(out, line);
	free(line);
	json_decref(small);
	json_decref(root);
	return line == NULL
	    ? error_set(err, ERR_INVALID, "the image's configuration cannot be written")
	    : 0;
}
