/* References to variables in a text: finding them, and putting values in their place. */
#include "base/buf.h"
#include "pipelines/vars.h"
#include "pipelines/vars_ref.h"

static bool
starts_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
continues_name(char c)
{
	return starts_name(c) || (c >= '0' && c <= '9');
}

static size_t
name_length(const char *s)
{
	size_t len = 0;

	if (!starts_name(s[0]))
		return 0;
	while (continues_name(s[len]))
		len++;
	return len;
}

bool
vars_is_name(const char *name, size_t len)
{
	if (len == 0 || !starts_name(name[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!continues_name(name[i]))
			return false;
	return true;
}

/* s stands on a `$` or `%`. */
static struct var_ref
parse_ref(const char *s)
{
	struct var_ref ref = { .kind = VAR_REF_NAME, .start = s, .name = s + 1 };

	if (s[1] == s[0]) {
		ref.kind = VAR_REF_ESCAPE;
		ref.len = 2;
		return ref;
	}
	if (s[0] == '$' && s[1] == '{')
		ref.name++;
	ref.name_len = name_length(ref.name);
	ref.len = (size_t)(ref.name - s) + ref.name_len;
	if (ref.name_len > 0 && s[0] == '$' && s[1] != '{')
		return ref;
	if (ref.name_len > 0 && s[ref.len] == (s[0] == '%' ? '%' : '}')) {
		ref.len++;
		return ref;
	}
	ref.kind = VAR_REF_NONE;
	return ref;
}

struct var_ref
var_ref_next(const char *text)
{
	for (text += strcspn(text, "$%"); *text != '\0';
	     text += 1 + strcspn(text + 1, "$%")) {
		struct var_ref ref = parse_ref(text);

		if (ref.kind != VAR_REF_NONE)
			return ref;
	}
	return (struct var_ref){ .kind = VAR_REF_NONE, .start = text };
}

const char *
vars_expand(const struct vars *v, struct arena *a, const char *text)
{
	struct var_ref ref = var_ref_next(text);
	cleanup_buf struct buf out = BUF_INIT;

	if (ref.kind == VAR_REF_NONE)
		return arena_strdup(a, text);
	for (; ref.kind != VAR_REF_NONE; ref = var_ref_next(text)) {
		const struct var *var = NULL;

		if (ref.kind == VAR_REF_NAME)
			var = vars_find(v, ref.name, ref.name_len);
		buf_add(&out, text, (size_t)(ref.start - text));
		text = ref.start + ref.len;
		if (var != NULL)
			buf_add_str(&out, var->value);
		else if (ref.kind == VAR_REF_ESCAPE && ref.start[0] == '$')
			buf_add_char(&out, '$');
		else
			buf_add(&out, ref.start, ref.len);
	}
	buf_add_str(&out, text);
	return arena_strndup(a, buf_str(&out), out.len);
}

/*
 * The runner's way is Go's os.Expand: the name of `${…}` is whatever stands there, a
 * single digit or one of *#$@!?- is a name too (and unknown, but `$$` is a dollar), and
 * braces that are empty or never close are dropped. Returns the length of the
 * reference behind the `$`, 0 for a lone `$`.
 */
static size_t
parse_runner_ref(const char *s, const char **name, size_t *name_len)
{
	const char *close;

	*name = s;
	*name_len = 0;
	if (s[0] == '{') {
		close = strchr(s, '}');
		if (close == NULL)
			return 1;
		*name = s + 1;
		*name_len = (size_t)(close - s) - 1;
		return *name_len + 2;
	}
	if (s[0] != '\0' && strchr("*#$@!?-0123456789", s[0]) != NULL)
		return *name_len = 1;
	return *name_len = name_length(s);
}

const char *
vars_expand_runner(const struct vars *v, struct arena *a, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;
	const char *dollar;

	while ((dollar = strchr(text, '$')) != NULL) {
		const char *name;
		size_t name_len;
		size_t len = parse_runner_ref(dollar + 1, &name, &name_len);
		const struct var *var = NULL;

		if (name_len > 0)
			var = vars_find(v, name, name_len);
		buf_add(&out, text, (size_t)(dollar - text));
		if (len == 0 || (name_len == 1 && name[0] == '$'))
			buf_add_char(&out, '$');
		else if (var != NULL)
			buf_add_str(&out, var->value);
		text = dollar + 1 + len;
	}
	buf_add_str(&out, text);
	return arena_strndup(a, buf_str(&out), out.len);
}
