/* artifacts and their reports. */
#include <ctype.h>

#include "base/str.h"
#include "pipelines/config_read.h"

static const char *const result_whens[] = { "on_success", "on_failure", "always", NULL };
static const char *const accesses[] = { "all", "developer", "maintainer", "none", NULL };
static const char *const coverage_formats[] = { "cobertura", "jacoco", NULL };

static const char *const report_types[] = { "accessibility", "annotations", "api_fuzzing",
	"browser_performance", "cluster_applications", "cluster_image_scanning",
	"codequality", "container_scanning", "coverage_fuzzing", "coverage_report",
	"cyclonedx", "dast", "dependency_scanning", "dotenv", "junit",
	"license_management", "license_scanning", "load_performance", "lsif", "metrics",
	"performance", "repository_xray", "requirements", "requirements_v2", "sarif",
	"sast", "scip", "secret_detection", "terraform", NULL };

static const struct value_field coverage_fields[] = {
	{ "coverage_format", value_choice, offsetof(struct report, format),
	    coverage_formats, VALUE_REQUIRED },
	{ "path", value_one_or_strings, offsetof(struct report, paths), NULL,
	    VALUE_REQUIRED },
};
static const struct value_shape coverage_shape = VALUE_SHAPE(coverage_fields);

static bool
is_report_type(const char *name)
{
	for (size_t i = 0; report_types[i] != NULL; i++)
		if (str_eq(report_types[i], name))
			return true;
	return false;
}

static void
read_report(struct reader *r, const struct node_pair *pair, struct report *report)
{
	const struct node *n = pair->value;

	report->type = pair->key;
	if (!is_report_type(pair->key)) {
		value_error(r, pair->key_mark, "has the unknown report type `%s`%s",
		    pair->key, value_did_you_mean(r, pair->key, report_types));
		return;
	}
	value_enter(r, pair->key);
	if (node_is_null(n))
		value_error(r, n->mark, "must not be empty; give the path of the report");
	else if (str_eq(pair->key, "coverage_report"))
		value_map(r, n, &coverage_shape, report);
	else
		value_one_or_strings(r, n, NULL, &report->paths);
	value_leave(r);
}

static void
read_reports(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct artifacts *artifacts = out;

	if (n->kind != NODE_MAP) {
		value_expected(r, n, "a map of report types and paths");
		return;
	}
	artifacts->reports =
	    arena_calloc(r->arena, n->count, sizeof(*artifacts->reports));
	for (size_t i = 0; i < n->count; i++) {
		if (node_is(n->pairs[i].value, NODE_REFERENCE))
			continue;
		read_report(
		    r, &n->pairs[i], &artifacts->reports[artifacts->report_count++]);
	}
}

static const struct value_duration expire_rule = { .never = true };

#define ARTIFACTS(field) offsetof(struct artifacts, field)

static const struct value_field artifacts_fields[] = {
	{ "paths", value_strings, ARTIFACTS(paths), NULL, 0 },
	{ "exclude", value_strings, ARTIFACTS(exclude), NULL, 0 },
	{ "name", value_string, ARTIFACTS(name), NULL, 0 },
	{ "untracked", value_bool, ARTIFACTS(untracked), NULL, 0 },
	{ "when", value_enum, ARTIFACTS(when), result_whens, 0 },
	{ "expire_in", value_duration_text, ARTIFACTS(expire_in), &expire_rule, 0 },
	{ "expose_as", value_word, ARTIFACTS(expose_as), NULL, 0 },
	{ "public", value_bool, ARTIFACTS(is_public), NULL, 0 },
	{ "access", value_choice, ARTIFACTS(access), accesses, 0 },
	{ "reports", read_reports, 0, NULL, 0 },
};
static const struct value_shape artifacts_shape = VALUE_SHAPE(artifacts_fields);

#define EXPOSE_AS_MAX 100

static bool
is_plain_title(const char *s)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("-_ ", *s) == NULL)
			return false;
	return true;
}

static void
check_exposed(struct reader *r, const struct node *n, const struct artifacts *artifacts)
{
	const char *title = artifacts->expose_as;

	if (title == NULL || n->kind != NODE_MAP)
		return;
	if (strlen(title) > EXPOSE_AS_MAX || !is_plain_title(title))
		value_error(r, node_get(n, "expose_as")->mark,
		    "has the title \"%s\"; `expose_as` may have %d letters, digits, `-`, `_` "
		    "and spaces",
		    title, EXPOSE_AS_MAX);
	if (node_is_null(node_get(n, "paths")))
		value_error(r, n->mark, "has `expose_as` but no `paths` to expose");
	for (size_t i = 0; i < artifacts->paths.count; i++)
		if (strchr(artifacts->paths.items[i], '*') != NULL) {
			value_error(r, n->mark,
			    "has `expose_as`, so its paths must not contain `*`");
			return;
		}
}

void
config_read_artifacts(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct artifacts artifacts = { .present = true, .is_public = true };

	if (n->kind == NODE_LIST || n->kind == NODE_STRING) {
		value_error(r, n->mark,
		    "must be a map, not %s; put what to keep under `paths:`",
		    node_kind_name(n->kind));
		return;
	}
	value_map(r, n, &artifacts_shape, &artifacts);
	check_exposed(r, n, &artifacts);
	if (!node_is_null(node_get(n, "public")) && !node_is_null(node_get(n, "access")))
		value_error(r, n->mark,
		    "has both `public` and `access`; keep one, `access` is the newer");
	*(struct artifacts *)out = artifacts;
}
