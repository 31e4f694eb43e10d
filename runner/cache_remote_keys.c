/* A file of credentials as AWS's programs have it: "[section]" and "name = value". */
#include "base/buf.h"
#include "base/str.h"
#include "runner/cache_remote.h"

#define MAX_FILE 65536

static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

static void
read_line(char *line, struct s3_keys *out)
{
	const struct {
		const char *name;
		const char **value;
	} known[] = {
		{ "aws_access_key_id", &out->access_key },
		{ "aws_secret_access_key", &out->secret_key },
		{ "aws_session_token", &out->session_token },
	};
	char *value = strchr(line, '=');

	if (value == NULL)
		return;
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(trim(line), known[i].name) && *known[i].value == NULL)
			*known[i].value = trim(value);
}

int
cache_remote_read_keys(
    const char *file, char **keep, struct s3_keys *out, struct error *err)
{
	struct s3_keys found = { NULL, NULL, NULL };
	struct buf text = BUF_INIT;
	char *rest, *line;
	int sections = 0;

	if (buf_read_file(&text, file, MAX_FILE, err) < 0) {
		buf_clear(&text);
		return error_wrap(err, "credentials of the remote cache");
	}
	*keep = rest = buf_take(&text);
	while ((line = strsep(&rest, "\n")) != NULL && sections < 2) {
		line = trim(line);
		if (*line == '[')
			sections++;
		else if (*line != '#' && sections < 2)
			read_line(line, &found);
	}
	if (found.access_key == NULL || found.secret_key == NULL)
		return error_set(err, ERR_INVALID,
		    "%s should have aws_access_key_id and aws_secret_access_key", file);
	*out = found;
	return 0;
}
