/*
 * What libmicrohttpd lets pass of a head, and we do not: all that two readers could
 * understand differently (RFC 9112, sections 2.2, 5.1, 6.1 and 11.2), since one of them
 * may be a proxy before us.
 */
#include <ctype.h>
#include <strings.h>

#include "base/http_server_internal.h"

struct head_scan {
	int hosts, lengths, codings;
	const char *length, *coding, *expect;
	const char *why; /* NULL: all fine so far */
};

/* RFC 9110, section 5.6.2 */
static bool
is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    (text[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text[i]) == NULL))
			return false;
	return len > 0;
}

static bool
has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 ? text[i] != '\t' : text[i] == 0x7f)
			return true;
	return false;
}

static enum MHD_Result
scan_header(void *data, enum MHD_ValueKind kind, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	struct head_scan *scan = data;

	(void)kind;
	if (!is_token(name, name_len))
		scan->why = "The name of a header is malformed.";
	else if (value == NULL || has_control(value, value_len))
		scan->why = "A header holds control characters.";
	else if (strcasecmp(name, "Host") == 0)
		scan->hosts++;
	else if (strcasecmp(name, "Content-Length") == 0) {
		scan->lengths++;
		scan->length = value;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		scan->codings++;
		scan->coding = value;
	} else if (strcasecmp(name, "Expect") == 0)
		scan->expect = value;
	return scan->why == NULL ? MHD_YES : MHD_NO;
}

/* How long the body is, which must be beyond doubt. */
static int
check_framing(struct http_request *r, const struct head_scan *scan, const char **why)
{
	r->content_length = 0;
	if (scan->lengths + scan->codings > 1) {
		*why = "The length of the body is given more than once.";
		return MHD_HTTP_BAD_REQUEST;
	}
	if (scan->codings == 1) {
		r->content_length = -1;
		if (r->is_1_1 && strcasecmp(scan->coding, "chunked") == 0)
			return 0;
		*why = "Of transfer codings only \"chunked\" is known here.";
		return MHD_HTTP_NOT_IMPLEMENTED;
	}
	if (scan->lengths == 1 && !str_to_int64(scan->length, &r->content_length)) {
		*why = "The body is too large.";
		return MHD_HTTP_CONTENT_TOO_LARGE;
	}
	return 0;
}

/* "http://host/path" is as good as "/path". */
static bool
strip_authority(char *target)
{
	size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7
	    : strncasecmp(target, "https://", 8) == 0          ? 8
							       : 0;
	char *slash = scheme == 0 ? NULL : strchr(target + scheme, '/');

	if (slash == NULL)
		return false;
	memmove(target, slash, strlen(slash) + 1);
	return true;
}

static bool
check_target(struct http_request *r)
{
	if (r->target == NULL || has_control(r->target, strlen(r->target)) ||
	    strpbrk(r->target, " \t") != NULL)
		return false;
	if (r->target[0] != '/' && !str_eq(r->target, "*") && !strip_authority(r->target))
		return false;
	r->path = xstrndup(r->target, strcspn(r->target, "?"));
	return true;
}

static int
bad(const char **why, const char *text)
{
	*why = text;
	return MHD_HTTP_BAD_REQUEST;
}

int
http_head_check(struct http_request *r, const char *version, const char **why)
{
	struct head_scan scan = { .why = NULL };
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(
	    r->conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	r->is_1_1 = str_eq(version, "HTTP/1.1");
	if (size != NULL && size->header_size > r->conn->server->options.max_head_bytes) {
		*why = "The head of the request is too large.";
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	}
	if (!is_token(r->method, strlen(r->method)))
		return bad(why, "The method is malformed.");
	if (!check_target(r))
		return bad(why, "The address is malformed.");
	(void)MHD_get_connection_values_n(
	    r->conn->mhd, MHD_HEADER_KIND, scan_header, &scan);
	if (scan.why != NULL)
		return bad(why, scan.why);
	if (scan.hosts > 1 || (r->is_1_1 && scan.hosts == 0))
		return bad(why, "There must be one Host header.");
	r->expects_continue = r->is_1_1 && scan.expect != NULL &&
	    strcasecmp(scan.expect, "100-continue") == 0;
	return check_framing(r, &scan, why);
}
