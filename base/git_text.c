/* Text of commits, made fit for variables and JSON. */
#include "base/git_text.h"

#include <iconv.h>
#include <strings.h>

#include "base/git.h"

#define ORIGIN "refs/remotes/origin/"

/* The text converted, or NULL when the encoding or a byte of it is not known. */
static char *
convert(const char *text, const char *encoding)
{
	size_t in_left = strlen(text), size = in_left * 4 + 1, out_left = size - 1;
	iconv_t cd = iconv_open("UTF-8", encoding);
	char *in, *out, *in_pos, *out_pos;
	size_t rc;

	if (cd == (iconv_t)-1)
		return NULL;
	in_pos = in = xstrdup(text); /* iconv's prototype lacks the const */
	out_pos = out = xcalloc(1, size);
	rc = iconv(cd, &in_pos, &in_left, &out_pos, &out_left);
	iconv_close(cd);
	free(in);
	if (rc == (size_t)-1) {
		free(out);
		return NULL;
	}
	*out_pos = '\0';
	return out;
}

static void
mend(char *s)
{
	size_t len = strlen(s);

	for (size_t ok; (ok = str_utf8_valid(s, len)) < len; s += ok, len -= ok)
		s[ok] = '?';
}

static void
cut(char *s)
{
	size_t len = strlen(s);

	if (len > GIT_MESSAGE_MAX)
		s[str_utf8_valid(s, GIT_MESSAGE_MAX)] = '\0';
}

char *
git_text_utf8(const char *text, const char *encoding)
{
	char *s = NULL;

	if (text == NULL)
		return xstrdup("");
	if (encoding != NULL && *encoding != '\0' && strcasecmp(encoding, "UTF-8") != 0)
		s = convert(text, encoding);
	if (s == NULL)
		s = xstrdup(text);
	mend(s);
	cut(s);
	return s;
}

char *
git_text_origin_branch(const char *ref)
{
	if (ref == NULL || !str_starts(ref, ORIGIN) || ref[strlen(ORIGIN)] == '\0')
		return NULL;
	return xstrdup(ref + strlen(ORIGIN));
}
