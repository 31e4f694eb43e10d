/* Credentials out of docker's config.json and the job's payload. */
#include "executors/container/image_auth.h"

#include <jansson.h>

#include "base/base64.h"
#include "base/path.h"
#include "protocol/job.h"

#define OWN_MAX ((size_t)1 << 20)

/* How docker's own registry is called in such files. */
static const char *const hub_names[] = { "index.docker.io", "registry-1.docker.io" };

/* A key as "host[:port][/path]", malloced: older files have URLs with a version. */
static char *
plain_key(const char *key)
{
	char *k =
	    strstr(key, "://") == NULL ? xstrdup(key) : xstrdup(strstr(key, "://") + 3);
	size_t len = strlen(k), host;

	while (len > 0 && k[len - 1] == '/')
		k[--len] = '\0';
	if (str_ends(k, "/v1") || str_ends(k, "/v2"))
		k[len - 3] = '\0';
	host = strcspn(k, "/");
	for (size_t i = 0; i < ARRAY_LEN(hub_names); i++)
		if (strlen(hub_names[i]) == host && memcmp(k, hub_names[i], host) == 0) {
			char *hub = xasprintf("docker.io%s", k + host);

			free(k);
			return hub;
		}
	return k;
}

/* How much of repository key names: 0 when it is for something else. */
static size_t
fit(const char *key, const char *repository)
{
	cleanup_free char *plain = plain_key(key);
	size_t len = strlen(plain);

	if (len == 0 || !str_starts(repository, plain) ||
	    (repository[len] != '/' && repository[len] != '\0'))
		return 0;
	return len;
}

/* What best fits of an object's members that are of use; borrowed. */
static json_t *
best_member(json_t *object, const char *repository, bool (*is_useful)(const json_t *))
{
	json_t *value, *best = NULL;
	const char *key;
	size_t most = 0;

	json_object_foreach(object, key, value)
	{
		size_t n = fit(key, repository);

		if (n > most && is_useful(value)) {
			most = n;
			best = value;
		}
	}
	return best;
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* docker leaves {} for what a helper knows. */
static bool
is_entry(const json_t *value)
{
	return *text_of(value, "auth") != '\0' ||
	    *text_of(value, "identitytoken") != '\0' ||
	    *text_of(value, "username") != '\0';
}

/* It becomes a part of a program's name. */
static bool
is_helper(const json_t *value)
{
	const char *name = json_string_value(value);

	return name != NULL && *name != '\0' &&
	    strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
	    strlen(name);
}

/* {"SECTION": {"HOST": value}}; takes value. */
static void
write_config(const char *section, const char *repository, json_t *value, struct buf *out)
{
	cleanup_free char *host = xstrndup(repository, strcspn(repository, "/"));
	json_t *root = json_pack("{s:{s:o}}", section, host, value);
	char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);

	if (text != NULL)
		buf_add_str(out, text);
	free(text);
	json_decref(root);
}

static json_t *
basic_auth(const char *username, const char *password)
{
	cleanup_buf struct buf plain = BUF_INIT, coded = BUF_INIT;

	buf_printf(&plain, "%s:%s", username, password);
	base64_encode(plain.data, plain.len, &coded);
	return json_pack("{s:s}", "auth", buf_str(&coded));
}

static json_t *
plain_entry(json_t *entry)
{
	if (*text_of(entry, "auth") != '\0' || *text_of(entry, "identitytoken") != '\0')
		return json_incref(entry);
	return basic_auth(text_of(entry, "username"), text_of(entry, "password"));
}

static void
find_in_source(const struct image_auth_source *s, const char *repository, struct buf *out,
    struct strlist *warnings)
{
	json_error_t why;
	json_t *root = json_loads(s->json, 0, &why), *found;

	if (!json_is_object(root)) {
		/* not jansson's words: they quote, and this is secret */
		strlist_add_take(warnings,
		    xasprintf("%s is not used: it is no JSON object, see line %d, "
			      "column %d",
			s->what, root == NULL ? why.line : 1,
			root == NULL ? why.column : 1));
		json_decref(root);
		return;
	}
	found = best_member(json_object_get(root, "auths"), repository, is_entry);
	if (found != NULL) {
		write_config("auths", repository, plain_entry(found), out);
	} else if (s->helpers) {
		found = best_member(
		    json_object_get(root, "credHelpers"), repository, is_helper);
		if (found == NULL && is_helper(json_object_get(root, "credsStore")))
			found = json_object_get(root, "credsStore");
		if (found != NULL)
			write_config("credHelpers", repository, json_incref(found), out);
	}
	json_decref(root);
}

void
image_auth_find(const struct image_auth *auth, const char *repository, struct buf *out,
    struct strlist *warnings)
{
	if (auth == NULL)
		return;
	for (size_t i = 0; i < auth->source_count && out->len == 0; i++)
		if (auth->sources[i].json != NULL && !str_is_blank(auth->sources[i].json))
			find_in_source(&auth->sources[i], repository, out, warnings);
	for (size_t i = 0; i < auth->credential_count && out->len == 0; i++) {
		const struct job_credential *c = &auth->credentials[i];

		if (c->url == NULL || c->username == NULL || c->password == NULL ||
		    (c->type != NULL && !str_eq(c->type, "registry")) ||
		    fit(c->url, repository) == 0)
			continue;
		write_config(
		    "auths", repository, basic_auth(c->username, c->password), out);
	}
}

void
image_auth_read_own(struct buf *out)
{
	const char *home = getenv("HOME");
	cleanup_free char *file =
	    home == NULL ? NULL : path_join(home, ".docker/config.json");
	struct error ignored = ERROR_INIT;

	if (file == NULL || buf_read_file(out, file, OWN_MAX, &ignored) < 0)
		buf_reset(out);
}
