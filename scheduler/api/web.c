/*
 * The pages: files that are compiled in. Whatever a browser asks for that is no call of
 * the API is the one page there is, whose script looks at the address.
 */
#include <assert.h>

#include "base/str.h"
#include "scheduler/api/web_ahead.h"
#include "web/files.h"

#define PAGE "index.html"

/* Scripts and styles are files of ours, nothing is in a page itself, and nobody may show
 * our pages within theirs. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";

static const struct web_file *
find(const char *path)
{
	for (const struct web_file *f = web_files; f->path != NULL; f++)
		if (str_eq(f->path, path))
			return f;
	return NULL;
}

/* "gzip, deflate;q=0.5": is the word there, and not refused? */
static bool
takes_gzip(struct call *c)
{
	const char *text = http_header(c->request, "Accept-Encoding");
	const char *at = text == NULL ? NULL : strstr(text, "gzip");

	return at != NULL && !str_starts(at, "gzip;q=0,") && !str_eq(at, "gzip;q=0");
}

/* "\"a\", W/\"b\"" */
static bool
has_it(struct call *c, const char *etag)
{
	const char *text = http_header(c->request, "If-None-Match");

	return text != NULL && strstr(text, etag) != NULL;
}

static void
send(struct call *c, const struct web_file *f, const char *keep)
{
	const bool gzip = takes_gzip(c);
	const char *etag = arena_printf(c->arena, "\"%s%s\"", f->etag, gzip ? "-gz" : "");

	api_header(c, "ETag", "%s", etag);
	api_header(c, "Cache-Control", "%s", keep);
	api_header(c, "Vary", "Accept-Encoding");
	api_header(c, "X-Content-Type-Options", "nosniff");
	api_header(c, "Content-Security-Policy", "%s", policy);
	api_header(c, "Referrer-Policy", "same-origin");
	api_header(c, "Cross-Origin-Resource-Policy", "same-origin");
	api_header(c, "Cross-Origin-Opener-Policy", "same-origin");
	if (has_it(c, etag)) {
		api_reply(c, 304, NULL, "", 0);
		return;
	}
	if (gzip)
		api_header(c, "Content-Encoding", "gzip");
	api_reply(c, 200, f->type, gzip ? f->gzip : f->plain,
	    gzip ? f->gzip_len : f->plain_len);
}

/* Of another release: the page that asks has to be loaded again. */
static void
send_file(struct call *c)
{
	const struct web_file *f = find(c->params[1]);

	if (f == NULL || !str_eq(c->params[0], web_build))
		api_error(c, 404, "404 Not Found");
	else
		send(c, f, "public, max-age=31536000, immutable");
}

bool
api_is_page(struct call *c)
{
	const char *method = http_method(c->request), *path = http_path(c->request);
	const char *accept = http_header(c->request, "Accept");

	return (str_eq(method, "GET") || str_eq(method, "HEAD")) && accept != NULL &&
	    strstr(accept, "text/html") != NULL && !str_starts(path, "/api/");
}

void
api_send_page(struct call *c)
{
	const struct web_file *f = find(PAGE);

	assert(f != NULL);
	web_ahead(c);
	send(c, f, "no-cache");
}

const struct api_route api_web_routes[] = {
	{ "GET", "/-/assets/:build/*path", API_OPEN, send_file },
	{ NULL },
};
