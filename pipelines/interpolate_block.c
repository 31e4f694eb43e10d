/* Access paths and functions of interpolation blocks. */
#include "pipelines/interpolate_block.h"

#include <assert.h>
#include <ctype.h>

#include "base/str.h"
#include "pipelines/suggest.h"
#include "pipelines/vars_ref.h"
#include "pipelines/yaml_blocks.h"

/* What is between p and end, trimmed; false when that is too little. */
static bool
take_data(const char *p, const char *end, struct block *out)
{
	const char *from = p + 3, *to = end;

	while (from < to && isspace((unsigned char)*from))
		from++;
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	*out = (struct block){ p, (size_t)(end + 2 - p), from, (size_t)(to - from) };
	return to - from >= 2;
}

bool
block_find(const char *text, const char *limit, struct block *out)
{
	const char *end = text; /* the next "]]", for all blocks that start before it */

	for (const char *p = text; (p = yaml_blocks_open(p, limit)) != NULL;) {
		const char *newline;

		if (end < p + 3)
			end = yaml_blocks_close(p + 3, limit);
		if (end == NULL)
			return false;
		newline = memchr(p, '\n', (size_t)(end - p));
		if (newline == NULL && take_data(p, end, out))
			return true;
		p = newline != NULL ? newline : end + 2;
	}
	return false;
}

bool
block_is_matrix(const struct block *b)
{
	return b->data_len > 7 && memcmp(b->data, "matrix.", 7) == 0;
}

/* The next part of text up to a separator, trimmed and copied; NULL: no more. */
static const char *
next_part(struct arena *a, const char **text, char separator)
{
	const char *from = *text, *to;

	if (from == NULL)
		return NULL;
	to = strchr(from, separator);
	*text = to == NULL ? NULL : to + 1;
	if (to == NULL)
		to = from + strlen(from);
	while (from < to && isspace((unsigned char)*from))
		from++;
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	return arena_strndup(a, from, (size_t)(to - from));
}

static struct node *
access_value(const struct interpolation *in, const char *path, struct error *err)
{
	const char *rest = path, *key;
	const struct node *at = in->context;
	struct node *value = NULL;

	assert(path != NULL); /* even an empty block has one part */
	if (strchr(path, '.') == NULL) {
		error_set(err, ERR_INVALID,
		    "invalid interpolation access pattern `%s`; write inputs.NAME", path);
		return NULL;
	}
	while ((key = next_part(in->arena, &rest, '.')) != NULL) {
		value = node_get(at, key);
		if (value == NULL) {
			error_set(err, ERR_INVALID, "unknown interpolation key: `%s`%s",
			    key, suggest_key(in->diags, at, key));
			return NULL;
		}
		at = value;
	}
	return value;
}

/* ---- functions
 * -----------------------------------------------------------------------*/

typedef const char *(*function_fn)(const struct interpolation *in, const char *text,
    const char *arguments, struct error *err);

/* A masked value must not end up in the configuration, which is shown to everyone. */
static bool
check_masked(const struct vars *vars, const char *text, struct error *err)
{
	for (struct var_ref ref = var_ref_next(text); ref.kind != VAR_REF_NONE;
	     ref = var_ref_next(ref.start + ref.len)) {
		const struct var *var = NULL;

		if (ref.kind == VAR_REF_NAME)
			var = vars_find(vars, ref.name, ref.name_len);
		if (var != NULL && var->masked) {
			error_set(err, ERR_INVALID,
			    "variable expansion error: masked variables cannot be expanded "
			    "(%s)",
			    var->name);
			return false;
		}
	}
	return true;
}

static const char *
expand_vars(const struct interpolation *in, const char *text,
    const char *arguments UNUSED, struct error *err)
{
	if (in->vars == NULL)
		return text;
	if (!check_masked(in->vars, text, err))
		return NULL;
	return vars_expand(in->vars, in->arena, text);
}

/* The byte where the n-th character starts, or the end. */
static const char *
skip_chars(const char *text, uint64_t n)
{
	for (; n > 0 && *text != '\0'; n--)
		for (text++; ((unsigned char)*text & 0xc0) == 0x80;)
			text++;
	return text;
}

static const char *
read_number(const char *p, uint64_t *out)
{
	char *end;

	while (isspace((unsigned char)*p))
		p++;
	if (!isdigit((unsigned char)*p))
		return NULL;
	*out = strtoull(p, &end, 10);
	while (isspace((unsigned char)*end))
		end++;
	return end;
}

/* truncate(OFFSET,LENGTH), in characters */
static const char *
truncate_text(const struct interpolation *in, const char *text, const char *arguments,
    struct error *err)
{
	uint64_t offset, length;
	const char *p = read_number(arguments, &offset), *from;

	if (p == NULL || *p != ',' || (p = read_number(p + 1, &length)) == NULL ||
	    *p != '\0') {
		error_set(err, ERR_INVALID,
		    "no function matching `truncate(%s)`: write truncate(OFFSET,LENGTH)",
		    arguments);
		return NULL;
	}
	from = skip_chars(text, offset);
	return arena_strndup(in->arena, from, (size_t)(skip_chars(from, length) - from));
}

/* What a POSIX shell reads back as the same word. */
static const char *
posix_escape(const struct interpolation *in, const char *text,
    const char *arguments UNUSED, struct error *err UNUSED)
{
	cleanup_buf struct buf out = BUF_INIT;

	if (*text == '\0')
		return "''";
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n') {
			buf_add_str(&out, "'\n'");
			continue;
		}
		if (c < 0x80 && !isalnum(c) && strchr("_-.,:+/@", c) == NULL)
			buf_add_char(&out, '\\');
		buf_add_char(&out, (char)c);
	}
	return arena_strdup(in->arena, buf_str(&out));
}

static const struct {
	const char *name;
	bool has_arguments;
	function_fn call;
} functions[] = {
	{ "expand_vars", false, expand_vars },
	{ "truncate", true, truncate_text },
	{ "posix_escape", false, posix_escape },
};

/* The text inside the parentheses after name; "" without any, NULL when it does not fit.
 */
static const char *
arguments_of(struct arena *a, const char *call, size_t name_len, bool wanted)
{
	size_t len = strlen(call);

	if (!wanted)
		return call[name_len] == '\0' ? "" : NULL;
	if (call[name_len] != '(' || call[len - 1] != ')')
		return NULL;
	return arena_strndup(a, call + name_len + 1, len - name_len - 2);
}

static struct node *
call_function(const struct interpolation *in, const char *call, struct node *value,
    struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		size_t n = strlen(functions[i].name);
		const char *arguments, *result;

		if (strncmp(call, functions[i].name, n) != 0)
			continue;
		arguments = arguments_of(in->arena, call, n, functions[i].has_arguments);
		if (arguments == NULL)
			continue;
		if (value->kind != NODE_STRING) {
			error_set(err, ERR_INVALID,
			    "invalid input type: %s can only be used with string inputs",
			    functions[i].name);
			return NULL;
		}
		result = functions[i].call(in, value->text, arguments, err);
		return result == NULL ? NULL
				      : node_new_string(in->arena, result, value->mark);
	}
	error_set(err, ERR_INVALID,
	    "no function matching `%s`: there are expand_vars, truncate(OFFSET,LENGTH) and "
	    "posix_escape",
	    call);
	return NULL;
}

struct node *
block_evaluate(const struct interpolation *in, const struct block *b, struct error *err)
{
	const char *rest = arena_strndup(in->arena, b->data, b->data_len);
	const char *path, *call;
	struct node *value;
	int calls = 0;

	if (b->data_len > INTERPOLATE_MAX_BLOCK) {
		error_set(
		    err, ERR_LIMIT, "maximum interpolation expression size exceeded");
		return NULL;
	}
	path = next_part(in->arena, &rest, '|');
	value = access_value(in, path, err);
	while (value != NULL && (call = next_part(in->arena, &rest, '|')) != NULL) {
		if (++calls > INTERPOLATE_MAX_FUNCTIONS) {
			error_set(err, ERR_LIMIT,
			    "too many functions in interpolation block: at most %d",
			    INTERPOLATE_MAX_FUNCTIONS);
			return NULL;
		}
		value = call_function(in, call, value, err);
	}
	return value;
}
