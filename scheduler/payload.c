/* Building job payloads. Everything the payload points to is in its own arena or the
 * plan's. */
#include "scheduler/payload.h"

#include "base/hash.h"
#include "base/str.h"
#include "scheduler/predefined.h"

#define KEY_FILE_MAX ((size_t)64 * 1024 * 1024)

static void
add_variable(struct job_payload *job, size_t *cap, const struct var *var)
{
	ARENA_GROW(job->arena, job->variables, job->variable_count, *cap);
	job->variables[job->variable_count++] = (struct job_variable){
		.key = var->name,
		.value = var->value != NULL ? var->value : "",
		.is_public = var->level < VAR_INSTANCE,
		.file = var->file,
		.masked = var->masked,
		.raw = var->raw,
	};
}

/* A scope like from and what it stands on, but for what the server held. */
static void
add_unheld(struct vars *to, const struct vars *from)
{
	if (from->parent != NULL)
		add_unheld(to, from->parent);
	for (size_t i = 0; i < from->count; i++)
		if (from->items[i].level < VAR_INSTANCE ||
		    from->items[i].level > VAR_PROJECT)
			vars_set(to, &from->items[i]);
}

static void
add_held(struct vars *to, const struct payload_options *o, struct arena *a)
{
	struct var *scoped = arena_calloc(a, o->held_count, sizeof(*scoped));
	size_t count = 0;

	for (size_t i = 0; i < o->held_count; i++) {
		const struct var *var = &o->held[i];

		if (var->is_protected && !o->event->ref_is_protected)
			continue;
		if (var_fits_everywhere(var))
			vars_set(to, var);
		else
			scoped[count++] = *var;
	}
	if (o->job->environment != NULL)
		plan_set_scoped(to, scoped, count, o->job->environment);
}

static int
add_variables(struct job_payload *job, const struct payload_options *o, struct error *err)
{
	struct vars scope;
	struct var *all;
	size_t count, cap = 0;
	int rc;

	vars_init(&scope, job->arena, o->has_held ? NULL : &o->job->vars);
	if (o->has_held) {
		add_unheld(&scope, &o->job->vars);
		add_held(&scope, o, job->arena);
	}
	predefined_set_job(
	    &scope, o->event, o->job, o->job_id, o->job_token, o->played_by_hand);
	for (size_t i = 0; i < o->dotenv_count; i++)
		vars_set(&scope, &o->dotenv[i]);
	rc = vars_resolve(&scope, job->arena, &all, &count, err);
	if (rc == 0)
		for (size_t i = 0; i < count; i++)
			add_variable(job, &cap, &all[i]);
	vars_clear(&scope);
	return rc < 0 ? error_wrap(err, "job %s", o->job->name) : 0;
}

static void
add_step(struct job_payload *job, const char *name, const struct strs *first,
    const struct strs *second, const char *when)
{
	struct job_step *step = &job->steps[job->step_count];
	size_t count = first->count + (second != NULL ? second->count : 0);

	if (count == 0)
		return;
	step->name = name;
	step->when = when;
	step->timeout_s = job->timeout_s;
	step->script = arena_calloc(job->arena, count, sizeof(*step->script));
	for (size_t i = 0; i < first->count; i++)
		step->script[step->script_count++] = first->items[i];
	for (size_t i = 0; second != NULL && i < second->count; i++)
		step->script[step->script_count++] = second->items[i];
	job->step_count++;
}

static void
add_steps(struct job_payload *job, const struct job_config *config)
{
	job->steps = arena_calloc(job->arena, 2, sizeof(*job->steps));
	add_step(job, "script", &config->before_script, &config->script, "on_success");
	add_step(job, "after_script", &config->after_script, NULL, "always");
	if (job->step_count == 2)
		job->steps[1].allow_failure = true;
	if (config->pre_get_sources.count > 0) {
		job->hooks = arena_alloc(job->arena, sizeof(*job->hooks));
		job->hooks[0] = (struct job_hook){ "pre_get_sources_script",
			config->pre_get_sources.items, config->pre_get_sources.count };
		job->hook_count = 1;
	}
}

static struct job_image
make_image(struct job_payload *job, const struct image *from)
{
	struct job_image image = {
		.name = from->name,
		.alias = from->alias,
		.entrypoint = from->entrypoint.items,
		.entrypoint_count = from->entrypoint.count,
		.command = from->command.items,
		.command_count = from->command.count,
		.pull_policy = from->pull_policy.items,
		.pull_policy_count = from->pull_policy.count,
		.docker_platform = from->docker_platform,
		.docker_user = from->docker_user,
	};
	size_t cap = 0;

	for (size_t i = 0; i < from->variables.count; i++) {
		const struct config_var *v = &from->variables.items[i];

		ARENA_GROW(job->arena, image.variables, image.variable_count, cap);
		image.variables[image.variable_count++] =
		    (struct job_variable){ .key = v->name,
			    .value = v->value,
			    .is_public = true,
			    .raw = v->raw };
	}
	return image;
}

static void
add_images(struct job_payload *job, const struct plan_job *from)
{
	const struct images *services = &from->config->services;

	job->image = make_image(job, &from->config->image);
	if (from->image != NULL)
		job->image.name = from->image;
	job->services = arena_calloc(job->arena, services->count, sizeof(*job->services));
	for (size_t i = 0; i < services->count; i++)
		job->services[job->service_count++] =
		    make_image(job, &services->items[i]);
}

static const char *
result_when_name(enum result_when when)
{
	static const char *const names[] = { "on_success", "on_failure", "always" };

	return names[when];
}

/* How reports are sent and called; Source: GitLab's table of types and formats
 * (runner-protocol.md section 9). */
static const struct report_kind {
	const char *type, *format, *name;
} report_kinds[] = {
	{ "accessibility", "raw", "gl-accessibility.json" },
	{ "annotations", "gzip", "gl-annotations.json" },
	{ "api_fuzzing", "raw", "gl-api-fuzzing-report.json" },
	{ "browser_performance", "raw", "browser-performance.json" },
	{ "cluster_applications", "gzip", "gl-cluster-applications.json" },
	{ "cluster_image_scanning", "raw", "gl-cluster-image-scanning-report.json" },
	{ "cobertura", "gzip", "cobertura-coverage.xml" },
	{ "codequality", "raw", "gl-code-quality-report.json" },
	{ "container_scanning", "raw", "gl-container-scanning-report.json" },
	{ "coverage_fuzzing", "raw", "gl-coverage-fuzzing.json" },
	{ "cyclonedx", "gzip", "gl-sbom.cdx.json" },
	{ "dast", "raw", "gl-dast-report.json" },
	{ "dependency_scanning", "raw", "gl-dependency-scanning-report.json" },
	{ "dotenv", "gzip", ".env" },
	{ "jacoco", "gzip", "jacoco-coverage.xml" },
	{ "junit", "gzip", "junit.xml" },
	{ "license_scanning", "raw", "gl-license-scanning-report.json" },
	{ "load_performance", "raw", "load-performance.json" },
	{ "lsif", "zip", "lsif.json" },
	{ "metrics", "gzip", "metrics.txt" },
	{ "performance", "raw", "performance.json" },
	{ "repository_xray", "raw", "gl-repository-xray.json" },
	{ "requirements", "raw", "requirements.json" },
	{ "requirements_v2", "raw", "requirements_v2.json" },
	{ "sast", "raw", "gl-sast-report.json" },
	{ "scip", "zip", "index.scip" },
	{ "secret_detection", "raw", "gl-secret-detection-report.json" },
	{ "terraform", "raw", "tfplan.json" },
};

/* A report of coverage is of the type of its format. */
static struct report_kind
report_kind(const struct report *r)
{
	const char *type = r->format != NULL ? r->format : r->type;

	for (size_t i = 0; i < ARRAY_LEN(report_kinds); i++)
		if (str_eq(report_kinds[i].type, type))
			return report_kinds[i];
	return (struct report_kind){ type, "gzip", type };
}

static void
add_report(struct job_payload *job, const struct report *r, const char *expire_in)
{
	const struct report_kind kind = report_kind(r);

	job->artifacts[job->artifact_count++] = (struct job_artifact){
		.name = kind.name,
		.paths = r->paths.items,
		.path_count = r->paths.count,
		.when = "always",
		.type = kind.type,
		.format = kind.format,
		.expire_in = expire_in,
	};
}

static void
add_artifacts(struct job_payload *job, const struct artifacts *from)
{
	if (!from->present)
		return;
	job->artifacts =
	    arena_calloc(job->arena, from->report_count + 1, sizeof(*job->artifacts));
	if (from->paths.count > 0 || from->untracked)
		job->artifacts[job->artifact_count++] = (struct job_artifact){
			.name = from->name,
			.untracked = from->untracked,
			.paths = from->paths.items,
			.path_count = from->paths.count,
			.exclude = from->exclude.items,
			.exclude_count = from->exclude.count,
			.when = result_when_name(from->when),
			.type = "archive",
			.format = "zip",
			.expire_in = from->expire_in,
		};
	for (size_t i = 0; i < from->report_count; i++)
		add_report(job, &from->reports[i], from->expire_in);
}

/*
 * cache:key:files: the hash of the files' contents; missing files are left out, and
 * with none left the key is "default". Files are those of the commit or work tree.
 */
static int
files_key(const struct payload_options *o, const struct cache *cache, struct arena *arena,
    const char **out, struct error *err)
{
	cleanup_buf struct buf all = BUF_INIT;
	size_t found = 0;
	char hex[65];

	for (size_t i = 0; i < cache->key_files.count; i++) {
		cleanup_buf struct buf text = BUF_INIT;
		struct error why = ERROR_INIT;
		int rc = o->provider->read(o->provider->data, NULL, NULL,
		    cache->key_files.items[i], KEY_FILE_MAX, &text, &why);

		if (rc == ERR_MISSING)
			continue;
		if (rc < 0)
			return error_set(err, rc, "job %s: cache:key:files: %s",
			    o->job->name, why.msg);
		hash_sha256_hex(buf_str(&text), text.len, hex);
		buf_add_str(&all, hex);
		found++;
	}
	if (found == 0) {
		*out = "default";
		return 0;
	}
	hash_sha256_hex(all.data, all.len, hex);
	*out = arena_strdup(arena, hex);
	return 0;
}

static int
cache_key(const struct payload_options *o, const struct cache *cache, struct arena *arena,
    const char **out, struct error *err)
{
	if (cache->key_files.count == 0) {
		*out = cache->key != NULL ? cache->key : "default";
		return 0;
	}
	if (files_key(o, cache, arena, out, err) < 0)
		return err->code;
	if (cache->key_prefix != NULL)
		*out = arena_printf(arena, "%s-%s", cache->key_prefix, *out);
	return 0;
}

/* Protected refs have caches of their own, so that no other ref can poison them. */
static const char *
with_zone(const struct payload_options *o, const struct cache *cache, struct arena *arena,
    const char *key)
{
	if (cache->unprotect)
		return key;
	return arena_printf(arena, "%s-%s", key,
	    o->event->ref_is_protected ? "protected" : "non_protected");
}

static int
add_caches(struct job_payload *job, const struct payload_options *o, struct error *err)
{
	const struct caches *from = &o->job->config->caches;

	job->caches = arena_calloc(job->arena, from->count, sizeof(*job->caches));
	for (size_t i = 0; i < from->count; i++) {
		const struct cache *c = &from->items[i];
		struct job_cache *to = &job->caches[job->cache_count];
		const char *key = NULL;

		if (c->paths.count == 0 && !c->untracked)
			continue;
		if (cache_key(o, c, job->arena, &key, err) < 0)
			return err->code;
		to->key = with_zone(o, c, job->arena, key);
		to->untracked = c->untracked;
		to->policy = c->policy != NULL ? c->policy : "pull-push";
		to->paths = c->paths.items;
		to->path_count = c->paths.count;
		to->when = result_when_name(c->when);
		to->fallback_keys = arena_calloc(
		    job->arena, c->fallback_keys.count, sizeof(*to->fallback_keys));
		for (size_t k = 0; k < c->fallback_keys.count; k++)
			to->fallback_keys[to->fallback_key_count++] =
			    with_zone(o, c, job->arena, c->fallback_keys.items[k]);
		job->cache_count++;
	}
	return 0;
}

static void
add_dependencies(struct job_payload *job, const struct payload_options *o)
{
	job->dependencies =
	    arena_calloc(job->arena, o->dependency_count, sizeof(*job->dependencies));
	for (size_t i = 0; i < o->dependency_count; i++) {
		struct job_dependency *to = &job->dependencies[job->dependency_count++];

		*to = o->dependencies[i];
		to->token = arena_strdup(job->arena, to->token);
		to->name = arena_strdup(job->arena, to->name);
		to->filename = arena_strdup(job->arena, to->filename);
	}
}

int
payload_check(const struct plan_job *job, struct error *err)
{
	const struct config_refusal *refusal = config_refused(job->config);

	if (refusal != NULL)
		return error_set(err, ERR_ENVIRONMENT, "%s", refusal->why);
	return 0;
}

int
payload_build(
    const struct payload_options *o, struct job_payload **out, struct error *err)
{
	struct arena *arena = arena_new();
	struct job_payload *job = arena_alloc(arena, sizeof(*job));
	const struct event *e = o->event;

	job->arena = arena;
	job->id = o->job_id;
	job->pipeline_id = o->pipeline_id;
	job->token = arena_strdup(arena, o->job_token);
	job->name = o->job->name;
	job->stage = o->job->stage;
	job->project_id = e->project_id;
	job->project_full_path = e->project_path;
	job->git = (struct job_git){ .repo_url = e->repo_url,
		.ref = e->ref,
		.sha = e->sha,
		.before_sha = e->before_sha,
		.ref_type = e->is_tag ? "tag" : "branch",
		.is_protected = e->ref_is_protected };
	job->timeout_s = o->job->config->timeout_s > 0 ? o->job->config->timeout_s
						       : o->default_timeout_s;
	if (o->maximum_timeout_s > 0 && o->maximum_timeout_s < job->timeout_s)
		job->timeout_s = o->maximum_timeout_s;
	add_steps(job, o->job->config);
	add_images(job, o->job);
	add_artifacts(job, &o->job->config->artifacts);
	add_dependencies(job, o);
	if (add_variables(job, o, err) < 0 || add_caches(job, o, err) < 0) {
		arena_free(arena);
		return err->code;
	}
	*out = job;
	return 0;
}
