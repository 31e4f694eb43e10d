/* The engine tells a pull's progress as a row of JSON objects. */
#include "executors/docker/pull.h"

#include <jansson.h>
#include <time.h>

#include "base/base64.h"
#include "base/json_writer.h"
#include "base/map.h"
#include "executors/container/image_name.h"

#define SAY_EVERY_S 5
#define TRIES 6
#define FIRST_WAIT_S 5 /* each time twice as long */
#define LINE_MAX ((size_t)1 << 20)

struct pull {
	struct engine *engine;
	const struct docker_image_request *request;
	struct image_name name;
	struct buf line;   /* not yet whole */
	struct map layers; /* id -> struct layer */
	struct arena *arena;
	struct docker_image *out;
	const char *other; /* the platform of the one that is there; NULL: none is */
	time_t said;
	struct error *err;
};

struct layer {
	json_int_t done, all;
};

static void
say(const struct pull *p, const char *fmt, const char *a, const char *b)
{
	cleanup_free char *line = NULL;

	if (p->request->say == NULL)
		return;
	line = xasprintf("%s%s%s", fmt, a, b);
	p->request->say(line, p->request->data);
}

/* ---- what is there --------------------------------------------------------- */

/* "linux/amd64"; malloced. NULL: the engine does not say. */
static char *
platform_of(const json_t *image)
{
	const char *os = json_string_value(json_object_get(image, "Os"));
	const char *arch = json_string_value(json_object_get(image, "Architecture"));

	return os == NULL || arch == NULL ? NULL : xasprintf("%s/%s", os, arch);
}

/* wanted may name a variant, "linux/arm/v7", which an image need not. */
static bool
fits_platform(const char *have, const char *wanted)
{
	if (wanted == NULL || *wanted == '\0' || have == NULL)
		return true;
	return str_starts(wanted, have) &&
	    (wanted[strlen(have)] == '\0' || wanted[strlen(have)] == '/');
}

/* The registry's, if it came from one. Podman writes an id without what it is. */
static const char *
digest_of(json_t *image, const char *id, struct arena *arena)
{
	json_t *digests = json_object_get(image, "RepoDigests");
	const char *first = json_string_value(json_array_get(digests, 0));
	const char *at = first == NULL ? NULL : strchr(first, '@');

	if (at != NULL)
		return arena_strdup(arena, at + 1);
	return arena_printf(
	    arena, "%s%s", str_starts(id, "sha256:") ? "" : "sha256:", id);
}

/* p->out stays empty when it is not there. */
static int
find_image(struct pull *p, struct error *err)
{
	/* as it is written: Podman has names of its own for images made here */
	cleanup_free char *path = xasprintf("/images/%s/json", p->request->name);
	const struct engine_call call = { .method = "GET", .path = path };
	cleanup_buf struct buf body = BUF_INIT;
	int status = engine_do(p->engine, &call, 404, &body, err);
	cleanup_free char *have = NULL;
	json_t *root;
	const char *found;
	int rc = 0;

	if (status < 0)
		return status;
	root = json_loadb(body.data != NULL ? body.data : "", body.len, 0, NULL);
	found = json_string_value(json_object_get(root, "Id"));
	have = platform_of(root);
	p->other = NULL;
	if (status == 200 && found != NULL && !fits_platform(have, p->request->platform))
		p->other = arena_strdup(p->arena, have);
	else if (status == 200 && found != NULL) {
		rc = image_config_parse(
		    body.data, body.len, p->arena, &p->out->config, err);
		if (rc == 0) {
			p->out->id = xstrdup(found);
			p->out->digest = digest_of(root, found, p->arena);
		}
	}
	json_decref(root);
	return rc;
}

/* ---- credentials ----------------------------------------------------------- */

/* "user:password" in base64, as config.json has it. */
static void
add_login(struct json_writer *w, const char *auth)
{
	cleanup_buf struct buf login = BUF_INIT;
	char *colon;

	if (auth == NULL || !base64_decode(auth, &login))
		return;
	colon = strchr(buf_str(&login), ':');
	if (colon == NULL)
		return;
	*colon = '\0';
	json_put_string(w, "username", login.data);
	json_put_string(w, "password", colon + 1);
}

/* The header with what config has for the registry; NULL: it has nothing. */
static char *
auth_header(const struct pull *p)
{
	cleanup_free char *repository = image_name_repository(&p->name);
	cleanup_buf struct buf config = BUF_INIT, text = BUF_INIT, coded = BUF_INIT;
	cleanup_strlist struct strlist warnings = STRLIST_INIT;
	struct json_writer w = JSON_WRITER_INIT(&text);
	const char *host;
	json_t *root, *entry;

	if (repository == NULL)
		return NULL;
	image_auth_find(p->request->auth, repository, &config, &warnings);
	for (size_t i = 0; i < warnings.count; i++)
		say(p, "WARNING: ", warnings.items[i], "");
	root = json_loadb(config.data != NULL ? config.data : "", config.len, 0, NULL);
	json_begin_object(&w);
	json_object_foreach(json_object_get(root, "auths"), host, entry)
	{
		const char *token =
		    json_string_value(json_object_get(entry, "identitytoken"));

		if (token != NULL)
			json_put_string(&w, "identitytoken", token);
		add_login(&w, json_string_value(json_object_get(entry, "auth")));
		json_put_string(&w, "serveraddress", p->name.registry);
		break;
	}
	json_end_object(&w);
	json_decref(root);
	if (config.len == 0)
		return NULL;
	base64_encode(text.data, text.len, &coded);
	for (char *c = coded.data; *c != '\0'; c++) /* as URLs have it */
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	explicit_bzero(text.data, text.len);
	return xasprintf("X-Registry-Auth: %s", buf_str(&coded));
}

/* ---- pulling --------------------------------------------------------------- */

static void
say_progress(struct pull *p)
{
	json_int_t done = 0, all = 0;
	char text[64];

	if (time(NULL) < p->said + SAY_EVERY_S)
		return;
	p->said = time(NULL);
	map_for_each(e, &p->layers) {
		const struct layer *layer = e->value;

		done += layer->done;
		all += layer->all;
	}
	(void)snprintf(text, sizeof(text),
	    ": %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " MB", done / 1000000,
	    all / 1000000);
	if (all > 0)
		say(p, "Pulling ", p->request->name, text);
}

static void
on_progress(struct pull *p, const json_t *event)
{
	const char *id = json_string_value(json_object_get(event, "id"));
	const char *status = json_string_value(json_object_get(event, "status"));
	const json_t *detail = json_object_get(event, "progressDetail");
	struct layer *layer;

	if (id == NULL || status == NULL || !str_starts(status, "Download"))
		return;
	layer = map_get(&p->layers, id);
	if (layer == NULL) {
		layer = xcalloc(1, sizeof(*layer));
		map_set(&p->layers, id, layer);
	}
	if (json_is_integer(json_object_get(detail, "total"))) {
		layer->all = json_integer_value(json_object_get(detail, "total"));
		layer->done = json_integer_value(json_object_get(detail, "current"));
	} else if (str_starts(status, "Download complete")) {
		layer->done = layer->all;
	}
	say_progress(p);
}

static void
on_event(struct pull *p, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, 0, NULL);
	const char *error = json_string_value(json_object_get(event, "error"));

	if (error != NULL)
		(void)error_set(p->err, ERR_FOREIGN, "%.700s", error);
	else if (event != NULL)
		on_progress(p, event);
	json_decref(event);
}

static bool
on_bytes(const char *bytes, size_t len, void *data)
{
	struct pull *p = data;
	const char *newline;

	while ((newline = memchr(bytes, '\n', len)) != NULL) {
		size_t n = (size_t)(newline - bytes);

		buf_add(&p->line, bytes, n);
		on_event(p, buf_str(&p->line), p->line.len);
		buf_reset(&p->line);
		bytes += n + 1;
		len -= n + 1;
	}
	buf_add(&p->line, bytes, len);
	return p->line.len < LINE_MAX;
}

static char *
pull_path(const struct pull *p)
{
	cleanup_buf struct buf path = BUF_INIT;
	cleanup_free char *repository = image_name_repository(&p->name);

	buf_add_str(&path, "/images/create?fromImage=");
	buf_add_url_encoded(&path, repository);
	buf_add_str(&path, "&tag=");
	buf_add_url_encoded(&path, p->name.digest != NULL ? p->name.digest : p->name.tag);
	if (p->request->platform != NULL && *p->request->platform != '\0') {
		buf_add_str(&path, "&platform=");
		buf_add_url_encoded(&path, p->request->platform);
	}
	return buf_take(&path);
}

static int
pull_once(struct pull *p, struct error *err)
{
	cleanup_free char *path = pull_path(p), *auth = auth_header(p);
	const struct engine_call call = { .method = "POST",
		.path = path,
		.header = auth,
		.write = on_bytes,
		.data = p };

	p->err = err;
	p->said = time(NULL);
	err->code = 0;
	if (engine_do(p->engine, &call, 0, NULL, err) < 0)
		return err->code;
	if (p->line.len > 0)
		on_event(p, buf_str(&p->line), p->line.len);
	buf_reset(&p->line);
	return err->code;
}

/* As a word: ports, names and digests may have the same digits. */
static bool
has_status(const char *text, const char *status)
{
	size_t len = strlen(status);

	for (const char *at = text; (at = strstr(at, status)) != NULL; at += len)
		if (at > text && at[-1] == ' ' &&
		    (at[len] == '\0' || strchr(" ,.:;)\n", at[len]) != NULL))
			return true;
	return false;
}

static bool
is_passing(const struct error *err)
{
	static const char *const words[] = { "toomanyrequests", "Too Many Requests",
		"timeout", "connection reset" };
	static const char *const statuses[] = { "429", "503", "502" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(err->msg, words[i]) != NULL)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (has_status(err->msg, statuses[i]))
			return true;
	return false;
}

/* A second at a time, by a question that keeps hearing whether to stop. */
static int
pause_s(const struct pull *p, int seconds, struct error *err)
{
	const struct timespec second = { .tv_sec = 1 };
	const struct engine_call ping = { .method = "GET", .path = "/_ping" };

	for (int i = 0; i < seconds; i++) {
		if (engine_do(p->engine, &ping, 0, NULL, err) < 0)
			return err->code;
		nanosleep(&second, NULL);
	}
	return 0;
}

static int
pull_image(struct pull *p, struct error *err)
{
	const char *platform = p->request->platform != NULL ? p->request->platform : "";
	int wait_s = FIRST_WAIT_S;

	say(p, "Pulling ", p->request->name, "");
	for (int i = 1; pull_once(p, err) < 0; i++, wait_s *= 2) {
		struct error ignored = ERROR_INIT;
		char text[64];

		if (i == TRIES || err->code == ERR_CANCELED || !is_passing(err))
			return error_wrap(err, "cannot pull %s%s%s", p->request->name,
			    *platform != '\0' ? " for " : "", platform);
		(void)snprintf(text, sizeof(text), "; tried again in %d s", wait_s);
		say(p, "The registry refuses for now: ", err->msg, text);
		if (pause_s(p, wait_s, &ignored) < 0)
			return error_set(err, ignored.code, "%s", ignored.msg);
	}
	return 0;
}

/* ---- policies -------------------------------------------------------------- */

/* The job wants one for another platform than the engine has. */
static int
refuse_other(const struct pull *p, const char *why, struct error *err)
{
	return error_set(err, ERR_MISSING,
	    "the image %s is for %s, the job wants it for %s%s", p->request->name,
	    p->other, p->request->platform, why);
}

static int
try_policy(struct pull *p, enum image_policy policy, struct error *err)
{
	if (policy != IMAGE_ALWAYS) {
		if (find_image(p, err) < 0)
			return err->code;
		if (p->out->id != NULL)
			return 0;
		if (policy == IMAGE_NEVER && p->other != NULL)
			return refuse_other(p, ", and pull_policy is never", err);
		if (policy == IMAGE_NEVER)
			return error_set(err, ERR_MISSING,
			    "the image %s is not there, and pull_policy is never",
			    p->request->name);
	}
	if (pull_image(p, err) < 0 || find_image(p, err) < 0)
		return err->code;
	if (p->other != NULL)
		return refuse_other(p, "; the registry has no other", err);
	return p->out->id != NULL
	    ? 0
	    : error_set(err, ERR_MISSING,
		  "the engine has pulled %s, but does not know it", p->request->name);
}

int
docker_get_image(struct engine *e, const struct docker_image_request *request,
    struct arena *arena, struct docker_image *out, struct error *err)
{
	struct pull p = { .engine = e, .request = request, .arena = arena, .out = out };
	int rc = image_name_parse(request->name, NULL, &p.name, err);

	for (size_t i = 0; rc == 0 && i < request->policy_count; i++) {
		err->code = 0;
		if (try_policy(&p, request->policies[i], err) == 0 ||
		    err->code == ERR_CANCELED)
			break;
	}
	if (rc == 0)
		rc = err->code;
	image_name_clear(&p.name);
	buf_clear(&p.line);
	map_for_each(entry, &p.layers)
		free(entry->value);
	map_clear(&p.layers);
	return rc;
}

void
docker_image_clear(struct docker_image *image)
{
	free(take(image->id));
}
