/* image and services. */
#include "base/str.h"
#include "pipelines/config_read.h"

static const char *const pull_policies[] = { "always", "if-not-present", "never", NULL };

/* A user is a name or a number. */
static void
read_user(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	if (n->kind == NODE_STRING || n->kind == NODE_INT)
		*(const char **)out = n->text;
	else
		value_expected(r, n, "a user name or id");
}

static const struct value_field docker_fields[] = {
	{ "platform", value_string, offsetof(struct image, docker_platform), NULL, 0 },
	{ "user", read_user, offsetof(struct image, docker_user), NULL, 0 },
};
static const struct value_shape docker_shape = VALUE_SHAPE(docker_fields);

static const struct value_field kubernetes_fields[] = {
	{ "user", read_user, offsetof(struct image, kubernetes_user), NULL, 0 },
};
static const struct value_shape kubernetes_shape = VALUE_SHAPE(kubernetes_fields);

/* [""] and [] both mean: no entrypoint. */
static void
read_entrypoint(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct image *image = out;

	value_strings(r, n, arg, &image->entrypoint);
	image->has_entrypoint = true;
}

#define IMAGE(field) offsetof(struct image, field)

#define COMMON_FIELDS                                                                    \
	{ "name", value_word, IMAGE(name), NULL, VALUE_REQUIRED },                       \
	    { "entrypoint", read_entrypoint, 0, NULL, 0 },                               \
	    { "pull_policy", value_choices, IMAGE(pull_policy), pull_policies, 0 },      \
	    { "docker", value_map, 0, &docker_shape, 0 },                                \
	    { "kubernetes", value_map, 0, &kubernetes_shape, 0 },                        \
	{                                                                                \
		"ports", value_node, VALUE_NOWHERE, NULL, 0                              \
	}

static const struct value_field image_fields[] = { COMMON_FIELDS };
static const struct value_shape image_shape = VALUE_SHAPE(image_fields);

static const struct value_field service_fields[] = {
	COMMON_FIELDS,
	{ "alias", value_string, IMAGE(alias), NULL, 0 },
	{ "command", value_one_or_strings, IMAGE(command), NULL, 0 },
	{ "variables", config_read_variables, IMAGE(variables), &variables_plain, 0 },
};
static const struct value_shape service_shape = VALUE_SHAPE(service_fields);

static void
read_one(struct reader *r, const struct node *n, const struct value_shape *shape,
    struct image *out)
{
	if (n->kind == NODE_STRING)
		value_word(r, n, NULL, &out->name);
	else if (n->kind == NODE_MAP)
		value_map(r, n, shape, out);
	else
		value_error(r, n->mark,
		    "must be an image name or a map with `name`, not %s%s",
		    node_kind_name(n->kind),
		    node_is_scalar(n) ? "; put it in quotes" : "");
}

void
config_read_image(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	read_one(r, n, &image_shape, out);
}

struct service_list {
	struct images *images;
	size_t cap;
};

static void
add_service(struct reader *r, const struct node *entry, void *into)
{
	struct service_list *l = into;

	if (value_is_empty_entry(r, entry))
		return;
	ARENA_GROW(r->arena, l->images->items, l->images->count, l->cap);
	read_one(r, entry, &service_shape, &l->images->items[l->images->count++]);
}

void
config_read_services(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct images images = { 0 };
	struct service_list list = { .images = &images };

	if (n->kind != NODE_LIST) {
		value_expected(r, n, "a list of images");
		return;
	}
	value_each_entry(r, n, add_service, &list);
	*(struct images *)out = images;
}
