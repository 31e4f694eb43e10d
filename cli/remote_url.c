/* Taking the URL of a git remote apart. */
#include "cli/remote_url.h"

#include "base/str.h"

static const char *
project_path(const char *path, struct arena *arena)
{
	size_t n;

	path += strspn(path, "/");
	n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	if (n > 4 && memcmp(path + n - 4, ".git", 4) == 0)
		n -= 4;
	return arena_strndup(arena, path, n);
}

bool
remote_url_parse(const char *url, struct arena *arena, struct remote_url *out)
{
	const char *scheme = strstr(url, "://"), *host, *end, *at;
	bool ssh = scheme == NULL || str_starts(url, "ssh://");

	host = scheme != NULL ? scheme + 3 : url;
	end = host + strcspn(host, scheme != NULL ? "/" : ":/");
	if (scheme != NULL && str_starts(url, "file://"))
		return false;
	if (end == host || (scheme == NULL && *end != ':') || end[1] == '\0')
		return false;
	at = memchr(host, '@', (size_t)(end - host));
	host = at != NULL ? at + 1 : host;
	out->path = project_path(end + 1, arena);
	if (ssh && memchr(host, ':', (size_t)(end - host)) != NULL)
		end = memchr(
		    host, ':', (size_t)(end - host)); /* ssh's port is not the web's */
	out->host = arena_strndup(arena, host, (size_t)(end - host));
	return *out->host != '\0' && strchr(out->path, '/') != NULL;
}
