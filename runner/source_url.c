/* Addresses of repositories. */
#include "runner/source_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

static char *
decode_percent(const char *text, size_t len)
{
	char *out = xstrndup(text, len), *to = out;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 &&
		    hex_digit(text[i + 2]) >= 0) {
			*to++ =
			    (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
			i += 2;
		} else {
			*to++ = text[i];
		}
	}
	*to = '\0';
	return out;
}

char *
source_clean_url(const char *url, char **credentials)
{
	const char *scheme = strstr(url, "://"), *host, *at;

	if (credentials != NULL)
		*credentials = NULL;
	if (scheme == NULL || strncasecmp(url, "http", 4) != 0)
		return xstrdup(url);
	host = scheme + 3;
	at = memrchr(host, '@', strcspn(host, "/?#"));
	if (at == NULL)
		return xstrdup(url);
	if (credentials != NULL)
		*credentials = decode_percent(host, (size_t)(at - host));
	return xasprintf("%.*s%s", (int)(host - url), url, at + 1);
}

char *
source_base64(const char *text)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(text);
	char *out = xmalloc((len + 2) / 3 * 4 + 1), *p = out;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t n = (uint32_t)(unsigned char)text[i] << 16;

		if (i + 1 < len)
			n |= (uint32_t)(unsigned char)text[i + 1] << 8;
		if (i + 2 < len)
			n |= (unsigned char)text[i + 2];
		*p++ = digits[n >> 18];
		*p++ = digits[n >> 12 & 63];
		*p++ = i + 1 < len ? digits[n >> 6 & 63] : '=';
		*p++ = i + 2 < len ? digits[n & 63] : '=';
	}
	*p = '\0';
	return out;
}

char *
source_server_of(const char *url)
{
	const char *host = strstr(url, "://");

	if (host == NULL || strncasecmp(url, "http", 4) != 0)
		return NULL;
	return xstrndup(url, (size_t)(host - url) + 3 + strcspn(host + 3, "/"));
}

/* "host", without a port. */
static char *
host_of(const char *server)
{
	const char *host = strstr(server, "://") + 3;

	return xstrndup(host, strcspn(host, ":/"));
}

static void
add_forms(const char *host, const char *port, struct strlist *out)
{
	strlist_add_take(out, xasprintf("git@%s:", host));
	strlist_add_take(out, xasprintf("ssh://git@%s/", host));
	if (port != NULL && *port != '\0')
		strlist_add_take(out, xasprintf("ssh://git@%s:%s/", host, port));
}

void
source_ssh_forms(const struct job_payload *job, const char *server, struct strlist *out)
{
	const char *named = job_payload_variable(job, "CI_SERVER_SHELL_SSH_HOST");
	const char *port = job_payload_variable(job, "CI_SERVER_SHELL_SSH_PORT");
	cleanup_free char *own = host_of(server);

	add_forms(own, port, out);
	if (named != NULL && *named != '\0' && strcmp(named, own) != 0)
		add_forms(named, port, out);
}

const char *
source_server_path(const struct job_payload *job, const char *server)
{
	const char *url = job_payload_variable(job, "CI_SERVER_URL");
	size_t len = strlen(server);

	return url != NULL && str_starts(url, server) && url[len] == '/' &&
		url[len + 1] != '\0' && !str_ends(url, "/")
	    ? url + len
	    : "";
}
