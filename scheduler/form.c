/* A form taken apart: the boundary is looked for in what has come and is not passed on.
 */
#include "scheduler/form.h"

#include <strings.h>

#include "base/buf.h"
#include "base/str.h"

#define MAX_BOUNDARY 70 /* RFC 2046 */
#define MAX_HEAD 8192   /* of a part */
#define MAX_NAME 255
#define MAX_FIELD_NAME 64

enum form_state { FORM_PREAMBLE, FORM_HEAD, FORM_BYTES, FORM_END };

struct form {
	struct form_events events;
	char delimiter[MAX_BOUNDARY + 5]; /* CR LF -- boundary */
	size_t delimiter_len;
	enum form_state state;
	struct buf rest; /* what may be the begin of a delimiter, or of a head */
	bool in_file, has_file;
	char field[MAX_FIELD_NAME]; /* with on_field: of the part in hand */
	struct buf value;
};

/* The value of NAME=VALUE or NAME="VALUE" among a header's parameters. */
static bool
parameter(const char *header, const char *name, char *out, size_t size)
{
	size_t n = strlen(name), len = 0;

	for (const char *at = header; (at = strchr(at, ';')) != NULL;) {
		at++;
		at += strspn(at, " \t");
		if (strncasecmp(at, name, n) != 0 || at[n] != '=')
			continue;
		at += n + 1;
		if (*at == '"') {
			for (at++; *at != '\0' && *at != '"' && len + 1 < size; at++) {
				if (*at == '\\' && at[1] != '\0')
					at++;
				out[len++] = *at;
			}
		} else {
			while (*at != '\0' && strchr("; \t\r\n", *at) == NULL &&
			    len + 1 < size)
				out[len++] = *at++;
		}
		out[len] = '\0';
		return true;
	}
	return false;
}

int
form_new(const char *content_type, const struct form_events *events, struct form **out,
    struct error *err)
{
	char boundary[MAX_BOUNDARY + 1];
	struct form *f;

	if (content_type == NULL ||
	    strncasecmp(content_type, "multipart/form-data", 19) != 0 ||
	    !parameter(content_type, "boundary", boundary, sizeof(boundary)) ||
	    boundary[0] == '\0')
		return error_set(err, ERR_INVALID,
		    "Content-Type: wanted multipart/form-data with a boundary");
	f = xcalloc(1, sizeof(*f));
	f->events = *events;
	memcpy(f->delimiter, "\r\n--", 4);
	memcpy(f->delimiter + 4, boundary, strlen(boundary) + 1);
	f->delimiter_len = 4 + strlen(boundary);
	buf_add(&f->rest, "\r\n", 2); /* the first delimiter has none before it */
	*out = f;
	return 0;
}

void
form_free(struct form *f)
{
	if (f == NULL)
		return;
	buf_clear(&f->rest);
	buf_clear(&f->value);
	free(f);
}

/* The last part of a path, as browsers of old sent whole ones. */
static const char *
base_name(const char *name)
{
	const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');

	if (back != NULL && (slash == NULL || back > slash))
		slash = back;
	return slash == NULL ? name : slash + 1;
}

/* Lines of a part's head, NUL-terminated. */
static int
begin_part(struct form *f, char *head, struct error *err)
{
	char name[MAX_FIELD_NAME] = "", file[MAX_NAME + 1] = "";

	f->in_file = false;
	for (char *line = head; line != NULL && *line != '\0';) {
		char *end = strstr(line, "\r\n");

		if (end != NULL)
			*end = '\0';
		if (strncasecmp(line, "Content-Disposition:", 20) == 0) {
			(void)parameter(line, "name", name, sizeof(name));
			(void)parameter(line, "filename", file, sizeof(file));
		}
		line = end == NULL ? NULL : end + 2;
	}
	if (f->events.on_field != NULL) {
		memcpy(f->field, name, sizeof(name));
		return 0;
	}
	if (!str_eq(name, "file"))
		return 0;
	if (f->has_file)
		return error_set(err, ERR_INVALID, "the form has a second file");
	f->in_file = f->has_file = true;
	return f->events.on_file(base_name(file), f->events.data, err);
}

/* Pass on len bytes of the part's content. */
static int
pass(struct form *f, const char *bytes, size_t len, struct error *err)
{
	if (f->events.on_field != NULL)
		buf_add(&f->value, bytes, len);
	if (!f->in_file || len == 0)
		return 0;
	return f->events.on_bytes(bytes, len, f->events.data, err);
}

/* A part has ended. */
static int
end_part(struct form *f, struct error *err)
{
	int rc;

	if (f->events.on_field == NULL)
		return 0;
	rc = f->events.on_field(
	    f->field, buf_str(&f->value), f->value.len, f->events.data, err);
	buf_reset(&f->value);
	return rc;
}

/* Content up to the delimiter; of what may be its begin nothing. */
static int
take_bytes(struct form *f, bool *more, struct error *err)
{
	char *found = memmem(f->rest.data, f->rest.len, f->delimiter, f->delimiter_len);
	size_t len = found != NULL            ? (size_t)(found - f->rest.data)
	    : f->rest.len >= f->delimiter_len ? f->rest.len - f->delimiter_len + 1
					      : 0;

	if (f->state == FORM_BYTES && pass(f, f->rest.data, len, err) < 0)
		return err->code;
	if (f->state == FORM_BYTES && found != NULL && end_part(f, err) < 0)
		return err->code;
	buf_remove_front(&f->rest, len);
	*more = found != NULL;
	if (found != NULL) {
		buf_remove_front(&f->rest, f->delimiter_len);
		f->state = FORM_HEAD;
	}
	return 0;
}

/* After a delimiter: "--" ends the form; else a head, up to an empty line. */
static int
take_head(struct form *f, bool *more, struct error *err)
{
	char *end;
	size_t len;
	int rc;

	*more = false;
	if (f->rest.len < 2)
		return 0;
	if (memcmp(f->rest.data, "--", 2) == 0) {
		f->state = FORM_END;
		return 0;
	}
	end = memmem(f->rest.data, f->rest.len, "\r\n\r\n", 4);
	if (end == NULL && f->rest.len > MAX_HEAD)
		return error_set(err, ERR_LIMIT,
		    "a part of the form has a head of more than %d bytes", MAX_HEAD);
	if (end == NULL)
		return 0;
	len = (size_t)(end - f->rest.data) + 4;
	end[2] = '\0';
	rc = begin_part(f, f->rest.data, err);
	buf_remove_front(&f->rest, len);
	f->state = FORM_BYTES;
	*more = true;
	return rc;
}

int
form_add(struct form *f, const char *bytes, size_t len, struct error *err)
{
	bool more = true;
	int rc = 0;

	if (f->state == FORM_END)
		return 0; /* an epilogue is nobody's */
	buf_add(&f->rest, bytes, len);
	while (rc == 0 && more && f->state != FORM_END)
		rc = f->state == FORM_HEAD ? take_head(f, &more, err)
					   : take_bytes(f, &more, err);
	return rc;
}

int
form_end(struct form *f, struct error *err)
{
	if (f->state != FORM_END)
		return error_set(err, ERR_INVALID, "the form is cut off");
	if (f->events.on_field == NULL && !f->has_file)
		return error_set(
		    err, ERR_INVALID, "the form has no field named \"file\"");
	return 0;
}
