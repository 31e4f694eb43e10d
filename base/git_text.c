/* Text of commits, made fit for variables and JSON. */
#include "base/git_text.h"

#include "base/git.h"

#define ORIGIN "refs/remotes/origin/"

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
git_text_utf8(const char *text)
{
	char *s = xstrdup(text == NULL ? "" : text);

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
