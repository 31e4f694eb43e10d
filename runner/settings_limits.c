/* `limits: {memory: 2g, cpus: 1.5, pids: 4096}`; memory and cpus as GitLab's runner has
 * them for Docker. */
#include "runner/settings_limits.h"

#include "base/str.h"
#include "pipelines/document.h"

static const struct {
	const char *name, *from;
	size_t offset; /* of a struct limit in struct limits */
	bool (*parse)(const char *text, int64_t *out);
	const char *wanted;
} keys[] = {
	{ "memory", "limits.memory of the runner's settings",
	    offsetof(struct limits, memory), limits_parse_bytes,
	    "a size such as 512m or 2g, 6m at least" },
	{ "cpus", "limits.cpus of the runner's settings", offsetof(struct limits, cpus),
	    limits_parse_cpus, "a number of processors such as 1.5" },
	{ "pids", "limits.pids of the runner's settings", offsetof(struct limits, pids),
	    limits_parse_pids, "a number of processes, 8 at least" },
};

static void
read_limit(const struct node_pair *pair, struct limits *out, struct diags *diags)
{
	static const char *const names[] = { "memory", "cpus", "pids", NULL };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct limit *limit =
		    (struct limit *)(void *)((char *)out + keys[i].offset);
		int64_t value;

		if (!str_eq(pair->key, keys[i].name))
			continue;
		if (node_is_scalar(pair->value) &&
		    keys[i].parse(pair->value->text, &value))
			*limit = (struct limit){ value, keys[i].from };
		else
			diag_error(diags, DIAG_SHAPE, pair->value->mark, NULL,
			    "%s should be %s", keys[i].name, keys[i].wanted);
		return;
	}
	{
		const char *near = str_nearest(pair->key, names);

		diag_error(diags, DIAG_SHAPE, pair->key_mark, NULL,
		    "unknown setting \"%s\"; there is memory, cpus and pids%s%s%s",
		    pair->key, near == NULL ? "" : "; did you mean \"",
		    near == NULL ? "" : near, near == NULL ? "" : "\"?");
	}
}

void
settings_read_limits(const struct node *map, struct limits *out, struct diags *diags)
{
	if (!node_is(map, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "limits should be a map with memory, cpus and pids, not %s",
		    node_kind_name(map->kind));
		return;
	}
	for (size_t i = 0; i < map->count; i++)
		read_limit(&map->pairs[i], out, diags);
}
