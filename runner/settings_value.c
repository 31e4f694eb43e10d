/* Keys and values; what a person mistyped is named, with a guess at what was meant. */
#include "runner/settings_value.h"

#include "base/str.h"
#include "pipelines/document.h"

void
settings_refuse_key(const struct node_pair *pair, const char *const *names,
    const char *where, struct diags *diags)
{
	const char *near = str_nearest(pair->key, names);

	diag_error(diags, DIAG_SHAPE, pair->key_mark, NULL,
	    "unknown setting \"%s\"%s%s%s%s%s", pair->key, where == NULL ? "" : " of ",
	    where == NULL ? "" : where, near == NULL ? "" : "; did you mean \"",
	    near == NULL ? "" : near, near == NULL ? "" : "\"?");
}

void
settings_read_flag(const struct node_pair *pair, bool *out, struct diags *diags)
{
	const char *word = node_is_scalar(pair->value) ? pair->value->text : "";

	if (str_eq(word, "true") || str_eq(word, "false"))
		*out = str_eq(word, "true");
	else
		diag_error(diags, DIAG_SHAPE, pair->value->mark, NULL,
		    "%s should be true or false", pair->key);
}

void
settings_read_text(const struct node_pair *pair, struct arena *arena, const char **out,
    struct diags *diags)
{
	if (!node_is_scalar(pair->value) || *pair->value->text == '\0')
		diag_error(diags, DIAG_SHAPE, pair->value->mark, NULL,
		    "%s should be a text", pair->key);
	else
		*out = arena_strdup(arena, pair->value->text);
}

void
settings_read_path(const struct node_pair *pair, struct arena *arena, const char **out,
    struct diags *diags)
{
	const char *path = NULL;

	settings_read_text(pair, arena, &path, diags);
	if (path != NULL && *path != '/')
		diag_error(diags, DIAG_SHAPE, pair->value->mark, NULL,
		    "%s should be an absolute path, not \"%s\"", pair->key, path);
	else if (path != NULL)
		*out = path;
}
