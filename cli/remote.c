/* Choosing among a clone's remotes. */
#include "cli/remote.h"

#include <ctype.h>
#include <strings.h>

/* Length of "http://" or "https://", 0 for another scheme. */
static size_t
scheme_length(const char *url)
{
	if (strncasecmp(url, "http://", 7) == 0)
		return 7;
	return strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
}

/* Printable ASCII without spaces: what may stand in a URL and in a header. */
static bool
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= 0x20 || *s >= 0x7f)
			return false;
	return true;
}

int
remote_read_server(
    const char *text, struct arena *arena, const char **out, struct error *err)
{
	size_t scheme = scheme_length(text), len = strlen(text);

	if (scheme == 0 || !is_printable(text) || strpbrk(text + scheme, "?#") != NULL)
		return error_set(err, ERR_INVALID,
		    "%.200s: wanted the URL of a server, such as http://localhost:8080",
		    text);
	while (len > scheme && text[len - 1] == '/')
		len--;
	if (len == scheme)
		return error_set(err, ERR_INVALID, "%.200s: the URL names no host", text);
	if (memchr(text, '@', len) != NULL)
		return error_set(err, ERR_INVALID,
		    "the URL of a server has no name and no token in it; "
		    "`pawl login` asks for the token");
	*out = arena_strndup(arena, text, len);
	return 0;
}

/* "%41" is "A". */
static const char *
decode(const char *s, size_t len, struct arena *arena)
{
	char *out = arena_alloc(arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%' && i + 2 < len && isxdigit((unsigned char)s[i + 1]) &&
		    isxdigit((unsigned char)s[i + 2])) {
			char digits[] = { s[i + 1], s[i + 2], '\0' };

			out[n++] = (char)strtol(digits, NULL, 16);
			i += 2;
		} else {
			out[n++] = s[i];
		}
	}
	out[n] = '\0';
	return out;
}

/* What is left of url below a server; NULL when it does not lie there. */
static const char *
below(const char *url, const char *server)
{
	size_t len = strlen(server);

	return strncmp(url, server, len) == 0 && url[len] == '/' ? url + len + 1 : NULL;
}

/* The path of a project without slashes around it and ".git"; NULL: it is none. */
static const char *
project_path(const char *path, struct arena *arena)
{
	size_t len;

	path += strspn(path, "/");
	len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	if (len > 4 && memcmp(path + len - 4, ".git", 4) == 0)
		len -= 4;
	path = decode(path, len, arena);
	return strchr(path, '/') != NULL && is_printable(path) ? path : NULL;
}

/* The longest of the servers that are known below which url lies. */
static const char *
find_server(const char *url, const struct logins *logins, const char *server)
{
	const char *best = server != NULL && below(url, server) != NULL ? server : NULL;

	for (size_t i = 0; i < logins->count; i++) {
		const char *known = logins->items[i].url;

		if (below(url, known) != NULL &&
		    (best == NULL || strlen(known) > strlen(best)))
			best = known;
	}
	return best;
}

bool
remote_read_url(const char *url, const struct logins *logins, const char *server,
    struct arena *arena, struct remote *out)
{
	size_t scheme = scheme_length(url), host_len = strcspn(url + scheme, "/");
	const char *authority = url + scheme;
	const char *at = memrchr(authority, '@', host_len), *plain, *found;
	const char *host = at != NULL ? at + 1 : authority;
	struct remote r = { .name = out->name };

	if (scheme == 0 || host == authority + host_len)
		return false;
	plain = arena_printf(arena, "%.*s%s", (int)scheme, url, host);
	if (at != NULL) {
		const char *colon = memchr(authority, ':', (size_t)(at - authority));

		if (colon != NULL)
			r.token = decode(colon + 1, (size_t)(at - colon - 1), arena);
	}
	if (r.token != NULL && (*r.token == '\0' || !is_printable(r.token)))
		r.token = NULL;
	found = find_server(plain, logins, server);
	r.server = found != NULL
	    ? found
	    : arena_strndup(arena, plain, scheme + (size_t)(authority + host_len - host));
	if (below(plain, r.server) == NULL)
		return false;
	r.project = project_path(below(plain, r.server), arena);
	if (r.project == NULL || !is_printable(r.server))
		return false;
	*out = r;
	return true;
}

/* ---- the choice -------------------------------------------------------------- */

/* The name in "remote.NAME.url" or "remote.NAME.pushurl", NULL for other settings. */
static const char *
remote_name(const char *key, struct arena *arena)
{
	static const char *const ends[] = { ".url", ".pushurl" };
	size_t len = strlen(key), start = strlen("remote.");

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_starts(key, "remote.") && str_ends(key, ends[i]) &&
		    len > start + strlen(ends[i]))
			return arena_strndup(
			    arena, key + start, len - start - strlen(ends[i]));
	return NULL;
}

/* The remote the current branch is pushed to or taken from; NULL: none. */
static const char *
branch_remote(const struct remote_wanted *w, struct arena *arena)
{
	const char *key, *found = NULL;

	if (w->branch == NULL)
		return NULL;
	key = arena_printf(arena, "branch.%s.remote\n", w->branch);
	for (size_t i = 0; i < w->config->count; i++)
		if (str_starts(w->config->items[i], key))
			found = w->config->items[i] + strlen(key);
	return found;
}

static int
score(const struct remote *r, const struct remote_wanted *w, const char *of_branch)
{
	return (logins_token(w->logins, r->server) != NULL ? 16 : 0) +
	    (str_eq(r->name, "pawl") ? 8 : 0) + (r->token != NULL ? 4 : 0) +
	    (of_branch != NULL && str_eq(r->name, of_branch) ? 2 : 0) +
	    (str_eq(r->name, "origin") ? 1 : 0);
}

static void
consider(const struct remote_wanted *w, struct arena *arena, struct remote *best)
{
	const char *of_branch = branch_remote(w, arena);
	int best_score = -1;

	for (size_t i = 0; i < w->config->count; i++) {
		const char *line = w->config->items[i], *value = strchr(line, '\n');
		struct remote r = { NULL };

		if (value == NULL)
			continue;
		r.name = remote_name(
		    arena_strndup(arena, line, (size_t)(value - line)), arena);
		if (r.name == NULL ||
		    !remote_read_url(value + 1, w->logins, w->server, arena, &r))
			continue;
		if (w->server != NULL && !str_eq(r.server, w->server))
			continue;
		if (score(&r, w, of_branch) > best_score) {
			best_score = score(&r, w, of_branch);
			*best = r;
		}
	}
}

int
remote_choose(const struct remote_wanted *w, struct arena *arena, struct remote *out,
    struct error *err)
{
	struct remote best = { NULL };

	if (w->config != NULL)
		consider(w, arena, &best);
	if (best.server == NULL && w->server == NULL && w->logins->count == 1)
		best.server = w->logins->items[0].url; /* there is no other */
	if (w->server != NULL)
		best.server = w->server;
	if (w->project != NULL)
		best.project = w->project;
	if (best.server == NULL)
		return error_set(err, ERR_MISSING,
		    "no remote of this clone is http(s)://HOST/GROUP/NAME.git; say "
		    "--server URL --project GROUP/NAME, or: git remote add pawl "
		    "http://HOST/GROUP/NAME.git");
	*out = best;
	return 0;
}
