/* What a driver's config says of the place. */
#include <jansson.h>

#include "executors/custom/driver.h"

static int
wrong(const char *key, const char *what, struct error *err)
{
	return error_set(err, ERR_INVALID,
	    "what the driver's config printed is not as it should be: %s should be %s",
	    key, what);
}

static int
read_text(const json_t *root, const char *key, char **out, struct error *err)
{
	const json_t *value = json_object_get(root, key);

	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return wrong(key, "a text", err);
	if (*json_string_value(value) == '\0')
		return 0;
	free(*out);
	*out = xstrdup(json_string_value(value));
	return 0;
}

static int
read_job_env(struct custom *c, const json_t *root, struct error *err)
{
	json_t *map = json_object_get(root, "job_env");
	const char *key;
	json_t *value;

	if (map == NULL || json_is_null(map))
		return 0;
	if (!json_is_object(map))
		return wrong("job_env", "an object", err);
	json_object_foreach(map, key, value)
	{
		if (!json_is_string(value))
			return wrong("job_env", "an object of texts", err);
		strlist_add_take(
		    &c->job_env, xasprintf("%s=%s", key, json_string_value(value)));
	}
	return 0;
}

/* The log says who drives, as with GitLab's runner. */
static int
greet(const json_t *root, struct error *err)
{
	const json_t *driver = json_object_get(root, "driver");
	const char *name = json_string_value(json_object_get(driver, "name"));
	const char *version = json_string_value(json_object_get(driver, "version"));

	if (driver != NULL && !json_is_null(driver) && !json_is_object(driver))
		return wrong("driver", "an object", err);
	if (name != NULL && *name != '\0')
		(void)dprintf(1, "Using Custom executor with driver %s%s%s...\n", name,
		    version != NULL ? " " : "", version != NULL ? version : "");
	return 0;
}

static const char *
variable(const struct custom *c, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = c->env.count; i-- > 0;)
		if (strncmp(c->env.items[i], name, len) == 0 &&
		    c->env.items[i][len] == '=')
			return c->env.items[i] + len + 1;
	return "";
}

/*
 * Jobs that share a folder get one each below it. GitLab's runner gives them the same one
 * when config does not say; here the first of those that run at the same time has it.
 */
void
driver_choose_place(struct custom *c)
{
	bool is_shared = c->sharing == CUSTOM_SHARED ||
	    (c->sharing == CUSTOM_UNSAID && c->orders.slot > 0);

	c->place = is_shared ? xasprintf("%s/%s/%" PRId64, c->orders.builds_dir,
				   variable(c, "CI_RUNNER_SHORT_TOKEN"), c->orders.slot)
			     : xstrdup(c->orders.builds_dir);
}

static void
read_sharing(struct custom *c, const json_t *root)
{
	const json_t *value = json_object_get(root, "builds_dir_is_shared");

	if (json_is_boolean(value))
		c->sharing = json_is_true(value) ? CUSTOM_SHARED : CUSTOM_OWN;
}

static int
read_object(struct custom *c, const json_t *root, struct error *err)
{
	if (read_text(root, "builds_dir", &c->orders.builds_dir, err) < 0 ||
	    read_text(root, "cache_dir", &c->orders.cache_dir, err) < 0 ||
	    read_text(root, "shell", &c->shell, err) < 0 ||
	    read_job_env(c, root, err) < 0 || greet(root, err) < 0)
		return err->code;
	if (c->shell != NULL && !str_eq(c->shell, "bash") && !str_eq(c->shell, "sh"))
		return error_set(err, ERR_INVALID,
		    "the driver's config asks for scripts of %s; pawl writes those of "
		    "bash and sh",
		    c->shell);
	read_sharing(c, root);
	return 0;
}

int
driver_read_config(struct custom *c, const struct buf *text, struct error *err)
{
	json_error_t where;
	json_t *root;
	int rc;

	if (str_is_blank(buf_str(text)))
		return 0;
	root = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, &where);
	if (root == NULL)
		return error_set(err, ERR_INVALID,
		    "what the driver's config printed is no JSON: line %d: %s",
		    where.line, where.text);
	rc = json_is_object(root) ? read_object(c, root, err)
				  : wrong("it", "an object", err);
	json_decref(root);
	return rc;
}
