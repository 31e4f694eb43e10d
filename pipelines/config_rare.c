/* inherit, pages, resource_group, and the keywords that are checked and kept as nodes. */
#include <ctype.h>

#include "base/str.h"
#include "pipelines/config_read.h"

static void
read_choice(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct inherit_choice *choice = out;

	if (n->kind == NODE_BOOL) {
		choice->none = !n->boolean;
	} else if (n->kind == NODE_LIST) {
		choice->some = true;
		if (arg == NULL)
			value_strings(r, n, NULL, &choice->names);
		else
			value_choices(
			    r, n, keyword_names(r->arena, IN_DEFAULT), &choice->names);
	} else {
		value_error(r, n->mark, "must be true, false or a list of names, not %s",
		    node_kind_name(n->kind));
	}
}

static const struct value_field inherit_fields[] = {
	{ "default", read_choice, offsetof(struct inherit, defaults), "keywords", 0 },
	{ "variables", read_choice, offsetof(struct inherit, variables), NULL, 0 },
};
static const struct value_shape inherit_shape = VALUE_SHAPE(inherit_fields);

void
config_read_inherit(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	value_map(r, n, &inherit_shape, out);
}

static const struct value_duration never = { .never = true };

static const struct value_field pages_fields[] = {
	{ "publish", value_word, offsetof(struct pages, publish), NULL, 0 },
	{ "path_prefix", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "expire_in", value_duration_text, VALUE_NOWHERE, &never, 0 },
};
static const struct value_shape pages_shape = VALUE_SHAPE(pages_fields);

void
config_read_pages(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct pages *pages = out;

	pages->on = n->kind == NODE_MAP || (n->kind == NODE_BOOL && n->boolean);
	pages->off = n->kind == NODE_BOOL && !n->boolean;
	if (n->kind == NODE_MAP)
		value_map(r, n, &pages_shape, pages);
	else if (n->kind != NODE_BOOL)
		value_expected(r, n, "true or false, or a map");
}

void
config_read_resource_group(
    struct reader *r, const struct node *n, const void *arg, void *out)
{
	size_t len;

	value_word(r, n, arg, out);
	if (n->kind != NODE_STRING || *n->text == '\0')
		return;
	len = strlen(n->text);
	if (n->text[0] == '/' || n->text[len - 1] == '/')
		value_error(r, n->mark, "must not start or end with `/`");
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)n->text[i]) &&
		    strchr(" -_/${}.", n->text[i]) == NULL) {
			value_error(r, n->mark,
			    "is \"%s\"; it may have letters, digits, spaces, `-`, `_`, "
			    "`/`, `.` and variables only",
			    n->text);
			return;
		}
}

static const struct value_field dast_fields[] = {
	{ "site_profile", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "scanner_profile", value_string, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape dast_shape = VALUE_SHAPE(dast_fields);

void
config_check_dast(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	value_map(r, n, &dast_shape, NULL);
}

static const struct value_field token_fields[] = {
	{ "aud", value_one_or_strings, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
};
static const struct value_shape token_shape = VALUE_SHAPE(token_fields);

void
config_check_id_tokens(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	if (n->kind != NODE_MAP) {
		value_expected(r, n, "a map of tokens");
		return;
	}
	for (size_t i = 0; i < n->count; i++) {
		value_enter(r, n->pairs[i].key);
		value_map(r, n->pairs[i].value, &token_shape, NULL);
		value_leave(r);
	}
	*(const struct node **)out = n;
}

static const char *const link_types[] = { "runbook", "package", "image", "other", NULL };

static const struct value_field link_fields[] = {
	{ "name", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "url", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "filepath", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "link_type", value_choice, VALUE_NOWHERE, link_types, 0 },
};
static const struct value_shape link_shape = VALUE_SHAPE(link_fields);

static void
check_links(struct reader *r, const struct node *n, const void *arg, void *out UNUSED)
{
	if (n->kind != NODE_LIST) {
		value_expected(r, n, "a list of links");
		return;
	}
	for (size_t i = 0; i < n->count; i++)
		value_map(r, n->items[i], arg, NULL);
}

static const struct value_field asset_fields[] = {
	{ "links", check_links, VALUE_NOWHERE, &link_shape, VALUE_REQUIRED },
};
static const struct value_shape asset_shape = VALUE_SHAPE(asset_fields);

static void
check_date(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	const char *s = n->text;

	value_string(r, n, NULL, out);
	if (n->kind != NODE_STRING || strchr(s, '$') != NULL)
		return;
	for (size_t i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? s[i] != '-' : !isdigit((unsigned char)s[i])) {
			value_error(r, n->mark,
			    "must be a time such as \"2026-03-15T08:00:00Z\", not \"%s\"",
			    s);
			return;
		}
}

static const struct value_field release_fields[] = {
	{ "tag_name", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "description", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "tag_message", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "name", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "ref", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "milestones", value_one_or_strings, VALUE_NOWHERE, NULL, 0 },
	{ "released_at", check_date, VALUE_NOWHERE, NULL, 0 },
	{ "assets", value_map, VALUE_NOWHERE, &asset_shape, 0 },
};
static const struct value_shape release_shape = VALUE_SHAPE(release_fields);

void
config_check_release(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	value_map(r, n, &release_shape, NULL);
}
