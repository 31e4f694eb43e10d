/*
 * What a right pipeline becomes: values of keywords, defaults, stages. Each row is a text
 * and what one job of it, "j", then says.
 */
#include <check.h>

#include "base/str.h"
#include "pipelines/keywords.h"
#include "tests/unit/built.h"

/* Writes what is to be compared. */
typedef void (*show_fn)(const struct job_config *job, struct buf *out);

static void
show_strs(const struct strs *strs, struct buf *out)
{
	cleanup_free char *text = strs_text(strs);

	buf_add_str(out, text);
}

static const char *
or_none(const char *s)
{
	return s != NULL ? s : "-";
}

static void
show_script(const struct job_config *job, struct buf *out)
{
	show_strs(&job->before_script, out);
	buf_add_str(out, ";");
	show_strs(&job->script, out);
	buf_add_str(out, ";");
	show_strs(&job->after_script, out);
}

static void
show_image(const struct job_config *job, struct buf *out)
{
	const struct image *image = &job->image;

	buf_add_str(out, or_none(image->name));
	if (image->has_entrypoint) {
		buf_add_str(out, " entrypoint=");
		show_strs(&image->entrypoint, out);
	}
	if (image->pull_policy.count > 0) {
		buf_add_str(out, " pull=");
		show_strs(&image->pull_policy, out);
	}
	if (image->docker_user != NULL)
		buf_printf(out, " user=%s", image->docker_user);
	for (size_t i = 0; i < job->services.count; i++)
		buf_printf(out, " +%s(%s)", job->services.items[i].name,
		    or_none(job->services.items[i].alias));
}

static void
show_vars(const struct job_config *job, struct buf *out)
{
	for (size_t i = 0; i < job->variables.count; i++)
		buf_printf(out, "%s%s=%s%s", i > 0 ? " " : "",
		    job->variables.items[i].name, job->variables.items[i].value,
		    job->variables.items[i].raw ? " (raw)" : "");
}

static void
show_when(const struct job_config *job, struct buf *out)
{
	buf_printf(out, "%s%s allow=%d", job_when_name(job->when),
	    job->has_when ? "" : " (usual)", job->allow_failure.allowed);
	for (size_t i = 0; i < job->allow_failure.exit_codes.count; i++)
		buf_printf(out, " %d", job->allow_failure.exit_codes.items[i]);
	if (job->start_in_s != 0)
		buf_printf(out, " in=%" PRId64, job->start_in_s);
}

static void
show_rules(const struct job_config *job, struct buf *out)
{
	buf_add_str(out, job->rules.present ? "rules" : "none");
	for (size_t i = 0; i < job->rules.count; i++) {
		const struct rule *rule = &job->rules.items[i];

		buf_printf(out, " [%s", or_none(rule->cond));
		if (rule->has_when)
			buf_printf(out, " %s", job_when_name(rule->when));
		if (rule->changes.present) {
			buf_add_str(out, " changes=");
			show_strs(&rule->changes.paths, out);
		}
		if (rule->exists.present) {
			buf_add_str(out, " exists=");
			show_strs(&rule->exists.paths, out);
		}
		if (rule->changes.compare_to != NULL)
			buf_printf(out, " to=%s", rule->changes.compare_to);
		if (rule->has_allow_failure)
			buf_printf(out, " allow=%d", rule->allow_failure.allowed);
		if (rule->needs.present)
			buf_printf(out, " needs=%zu", rule->needs.count);
		buf_add_char(out, ']');
	}
}

static void
show_policy(const struct job_config *job, struct buf *out)
{
	buf_printf(out, "only=%d refs=", job->only.present);
	show_strs(&job->only.refs, out);
	buf_add_str(out, " variables=");
	show_strs(&job->only.variables, out);
	buf_printf(out, " except=%d refs=", job->except.present);
	show_strs(&job->except.refs, out);
}

static void
show_needs(const struct job_config *job, struct buf *out)
{
	buf_add_str(out, job->needs.present ? "needs" : "none");
	for (size_t i = 0; i < job->needs.count; i++) {
		const struct need *need = &job->needs.items[i];

		buf_printf(out, " %s%s%s", or_none(need->job),
		    need->artifacts ? "" : " (no artifacts)",
		    need->optional ? " (optional)" : "");
		if (need->pipeline != NULL)
			buf_printf(out, " pipeline=%s", need->pipeline);
		if (need->project != NULL)
			buf_printf(out, " project=%s@%s", need->project, need->ref);
	}
	if (job->has_dependencies) {
		buf_add_str(out, "; ");
		show_strs(&job->dependencies, out);
	}
}

static void
show_artifacts(const struct job_config *job, struct buf *out)
{
	const struct artifacts *a = &job->artifacts;
	static const char *const whens[] = { "on_success", "on_failure", "always" };

	if (!a->present) {
		buf_add_str(out, "none");
		return;
	}
	show_strs(&a->paths, out);
	buf_printf(out, " %s public=%d", whens[a->when], a->is_public);
	if (a->expire_in != NULL)
		buf_printf(out, " expire=%s", a->expire_in);
	for (size_t i = 0; i < a->report_count; i++) {
		buf_printf(out, " %s=", a->reports[i].type);
		show_strs(&a->reports[i].paths, out);
		if (a->reports[i].format != NULL)
			buf_printf(out, "(%s)", a->reports[i].format);
	}
}

static void
show_caches(const struct job_config *job, struct buf *out)
{
	buf_printf(out, "%zu", job->caches.count);
	for (size_t i = 0; i < job->caches.count; i++) {
		const struct cache *c = &job->caches.items[i];

		buf_printf(out, " [%s files=", or_none(c->key));
		show_strs(&c->key_files, out);
		buf_printf(out,
		    "%s prefix=%s paths=", c->key_by_commits ? "(commits)" : "",
		    or_none(c->key_prefix));
		show_strs(&c->paths, out);
		buf_printf(out, " %s %d]", c->policy, (int)c->when);
	}
}

static void
show_outcome(const struct job_config *job, struct buf *out)
{
	buf_printf(out, "retry=%d%s when=", job->retry.max, job->retry.never ? "!" : "");
	show_strs(&job->retry.when, out);
	for (size_t i = 0; i < job->retry.exit_codes.count; i++)
		buf_printf(out, " %d", job->retry.exit_codes.items[i]);
	buf_printf(out, " timeout=%" PRId64 " coverage=%s", job->timeout_s,
	    or_none(job->coverage));
}

static void
show_environment(const struct job_config *job, struct buf *out)
{
	const struct environment *e = &job->environment;

	buf_printf(out, "%s %s %s %s %s", or_none(e->name), or_none(e->url),
	    or_none(e->action), or_none(e->auto_stop_in), or_none(e->deployment_tier));
}

static void
show_trigger(const struct job_config *job, struct buf *out)
{
	const struct trigger *t = &job->trigger;

	buf_printf(out, "%s@%s %s yaml=%d pipeline=%d", or_none(t->project),
	    or_none(t->branch), or_none(t->strategy), t->forward_yaml_variables,
	    t->forward_pipeline_variables);
	for (size_t i = 0; i < t->include_count; i++)
		buf_printf(out, " [%s %s:%s %s:%s %s]", or_none(t->includes[i].local),
		    or_none(t->includes[i].project), or_none(t->includes[i].file),
		    or_none(t->includes[i].artifact), or_none(t->includes[i].job),
		    or_none(t->includes[i].remote));
}

static void
show_stage(const struct job_config *job, struct buf *out)
{
	buf_printf(out, "%s %zu", job->stage, job->stage_index);
}

static void
show_default_keys(const struct job_config *job, struct buf *out)
{
	show_strs(&job->tags, out);
	buf_printf(out, " %d %s %s %s", job->interruptible, or_none(job->image.name),
	    job->id_tokens != NULL ? "tokens" : "-", or_none(job->identity));
}

static const struct {
	const char *yaml, *want;
	show_fn show;
} values[] = {
	{ "j: {script: a}", ";a;", show_script },
	{ "j: {script: [a, [b, [c]], []], before_script: d, after_script: [e]}",
	    "d;a|b|c;e", show_script },
	{ "j: {script: a}\nbefore_script: [b]\nafter_script: [c]", "b;a;c", show_script },
	{ "j: {script: a, before_script: []}\ndefault: {before_script: [b]}", ";a;",
	    show_script },
	{ "j: {script: a, before_script: }\ndefault: {before_script: [b]}", "b;a;",
	    show_script },
	{ "j: {script: a, inherit: {default: false}}\ndefault: {before_script: [b]}",
	    ";a;", show_script },
	{ "j: {script: a, inherit: {default: [after_script]}}\n"
	  "default: {before_script: [b], after_script: [c]}",
	    ";a;c", show_script },
	{ "j: {script: a, image: {name: b}}\ndefault: {image: {name: c, pull_policy: always}}",
	    "b", show_image }, /* never merged */
	{ "j: {script: a, image: {name: b, entrypoint: [\"\"], docker: {user: 1000}, "
	  "pull_policy: [always, never]}, services: [c, [{name: d, alias: e}]]}",
	    "b entrypoint= pull=always|never user=1000 +c(-) +d(e)", show_image },
	{ "j: {script: a}\ndefault: {tags: [t, [u]], interruptible: true, image: i, "
	  "id_tokens: {T: {aud: a}}, identity: google_cloud}",
	    "t|u 1 i tokens google_cloud", show_default_keys },
	{ "j: {trigger: a/b}\ndefault: {tags: [t], interruptible: true, image: i}",
	    " 1 - - -", show_default_keys },
	{ "j: {script: a, variables: {A: b, C: 010, D: yes, E: , F: 1.50, G: {value: h, expand: "
	  "false}, I: {value: j}}}",
	    "A=b C=8 D=true E= F=1.5 G=h (raw) I=j", show_vars },
	{ "j: {script: a}", "test 2", show_stage },
	{ "stages: [x, [y, x], .post, z, .pre]\nj: {script: a, stage: z}", "z 3",
	    show_stage },
	{ "stages: [x]\nj: {script: a, stage: .post}", ".post 2", show_stage },
	{ "j: {script: a, stage: }", "test 2", show_stage },
	{ "j: {script: a}", "on_success (usual) allow=0", show_when },
	{ "j: {script: a, when: manual}", "manual allow=1", show_when },
	{ "j: {script: a, when: manual, allow_failure: no}", "manual allow=0",
	    show_when },
	{ "j: {script: a, when: delayed, start_in: 2 hours}", "delayed allow=0 in=7200",
	    show_when },
	{ "j: {script: a, allow_failure: {exit_codes: [3, 4]}}",
	    "on_success (usual) allow=0 3 4", show_when },
	{ "j: {script: a, allow_failure: {exit_codes: 3}}",
	    "on_success (usual) allow=0 3", show_when },
	{ "j: {script: a, rules: }", "none", show_rules },
	{ "j: {script: a, rules: []}", "rules", show_rules },
	{ "j: {script: a, rules: [{if: $A, when: manual}, [[{changes: [b], exists: [c, d]}], "
	  "{if: $E, allow_failure: true, needs: []}]]}",
	    "rules [$A manual] [- changes=b exists=c|d] [$E allow=1 needs=0]",
	    show_rules },
	{ "j: {script: a, rules: [{changes: {paths: [b], compare_to: c}}]}",
	    "rules [- changes=b to=c]", show_rules },
	{ "j: {script: a, only: [b, /^c/], except: {refs: [tags]}}",
	    "only=1 refs=b|/^c/ variables= except=1 refs=tags", show_policy },
	{ "j: {script: a, only: {variables: [$A]}}",
	    "only=1 refs= variables=$A except=0 refs=", show_policy },
	{ "j: {script: a}", "none", show_needs },
	{ "j: {script: a, needs: []}", "needs", show_needs },
	{ "a: {script: x}\nb: {script: x}\nj: {script: a, needs: [[a], {job: b, artifacts: no}, "
	  "{job: c, optional: yes}], dependencies: [a]}",
	    "needs a b (no artifacts) c (optional); a", show_needs },
	{ "a: {script: x}\nj: {script: a, needs: {job: a}}", "needs a", show_needs },
	{ "j: {script: a, needs: [{pipeline: $P, job: b}, {project: a/b, job: c, ref: d}]}",
	    "needs b pipeline=$P c project=a/b@d", show_needs },
	{ "j: {script: a}", "none", show_artifacts },
	{ "j: {script: a, artifacts: {paths: [b], expire_in: 1 week, when: always, public: no, "
	  "reports: {junit: c, dotenv: [d, e], coverage_report: {coverage_format: cobertura, "
	  "path: f}}}}",
	    "b always public=0 expire=1 week junit=c dotenv=d|e coverage_report=f(cobertura)",
	    show_artifacts },
	{ "j: {script: a, pages: true}", "public on_success public=1", show_artifacts },
	{ "j: {script: a, pages: {publish: web}, artifacts: {paths: [b]}}",
	    "b|web on_success public=1", show_artifacts },
	{ "j: {script: a, pages: true, artifacts: {paths: [public/]}}",
	    "public/ on_success public=1", show_artifacts },
	{ "j: {script: a, cache: {paths: [b]}}",
	    "1 [- files= prefix=- paths=b pull-push 0]", show_caches },
	{ "j: {script: a, cache: [{key: c, paths: [b], policy: pull, when: always}, {key: "
	  "{files_commits: [d], prefix: e}}]}",
	    "2 [c files= prefix=- paths=b pull 2] [- files=d(commits) prefix=e paths= pull-push "
	    "0]",
	    show_caches },
	{ "j: {script: a, cache: []}\ndefault: {cache: {paths: [b]}}", "0", show_caches },
	{ "j: {script: a, cache: {}}\ndefault: {cache: {paths: [b]}}", "0", show_caches },
	{ "j: {script: a, retry: 2, timeout: 1h 30m, coverage: '/^(\\d+)%/'}",
	    "retry=2 when= timeout=5400 coverage=^(\\d+)%", show_outcome },
	{ "j: {script: a, retry: 0}", "retry=0! when= timeout=0 coverage=-",
	    show_outcome },
	{ "j: {script: a, retry: {when: always}}",
	    "retry=0 when=always timeout=0 coverage=-", show_outcome },
	{ "{default: {retry: {max: 0}}, j: {script: a}}",
	    "retry=0! when= timeout=0 coverage=-", show_outcome },
	{ "j: {script: a, retry: {max: 1, when: [script_failure, stuck_pending_x], exit_codes: "
	  "7}}",
	    "retry=1 when=script_failure|stuck_pending_x 7 timeout=0 coverage=-",
	    show_outcome },
	{ "j: {script: a}\ndefault: {retry: 1, timeout: 1h}",
	    "retry=1 when= timeout=0 coverage=-", show_outcome },
	{ "j: {script: a, environment: prod/$X}", "prod/$X - - - -", show_environment },
	{ "j: {script: a, environment: {name: n, url: https://x, action: prepare, auto_stop_in: "
	  "1 day, deployment_tier: $T}}",
	    "n https://x prepare 1 day $T", show_environment },
	{ "j: {trigger: a/b}", "a/b@- - yaml=1 pipeline=0", show_trigger },
	{ "j: {trigger: {project: a/b, branch: c, strategy: depend, forward: {yaml_variables: "
	  "no, pipeline_variables: yes}}}",
	    "a/b@c depend yaml=0 pipeline=1", show_trigger },
	{ "j: {trigger: {include: a.yml}}", "-@- - yaml=1 pipeline=0 [a.yml -:- -:- -]",
	    show_trigger },
	{ "j: {trigger: {include: [{project: p/q, file: [a.yml, b.yml]}, https://x/y.yml]}}",
	    "-@- - yaml=1 pipeline=0 [- p/q:a.yml -:- -] [- p/q:b.yml -:- -] [- -:- -:- "
	    "https://x/y.yml]",
	    show_trigger },
	{ "j: {trigger: {include: {artifact: a.yml, job: b}}}",
	    "-@- - yaml=1 pipeline=0 [- -:- a.yml:b -]", show_trigger },
};

START_TEST(reads)
{
	struct built b = build_text(values[_i].yaml, false);
	cleanup_buf struct buf got = BUF_INIT;

	values[_i].show(built_job(&b, "j"), &got);
	ck_assert_msg(str_eq(buf_str(&got), values[_i].want), "%s\ngot  %s\nwant %s",
	    values[_i].yaml, buf_str(&got), values[_i].want);
	built_free(&b);
}
END_TEST

START_TEST(stages_have_ends_and_no_repetition)
{
	struct built b = build_text(
	    "stages: [a, [b, a, [c]], .post]\nj: {script: x, stage: a}", false);
	cleanup_free char *got = strs_text(&b.config->stages);

	ck_assert_str_eq(got, ".pre|a|b|c|.post");
	built_free(&b);
}
END_TEST

START_TEST(workflow_and_variables_are_kept)
{
	struct built b = build_text(
	    "j: {script: x}\n"
	    "workflow: {name: n, rules: [{if: $A, auto_cancel: {on_job_failure: all}, "
	    "variables: {B: c}}], auto_cancel: {on_new_commit: none}}\n"
	    "variables: {V: {value: a, description: d, options: [a, b], expand: false}}",
	    false);
	const struct config *c = b.config;

	ck_assert_str_eq(c->workflow_name, "n");
	ck_assert_uint_eq(c->workflow_rules.count, 1);
	ck_assert_str_eq(c->workflow_rules.items[0].auto_cancel.on_job_failure, "all");
	ck_assert_str_eq(c->workflow_rules.items[0].variables.items[0].value, "c");
	ck_assert_str_eq(c->auto_cancel.on_new_commit, "none");
	ck_assert_str_eq(c->variables.items[0].description, "d");
	ck_assert_uint_eq(c->variables.items[0].options.count, 2);
	ck_assert(c->variables.items[0].raw);
	built_free(&b);
}
END_TEST

START_TEST(inherit_variables_is_kept)
{
	struct built b =
	    build_text("a: {script: x, inherit: {variables: false}}\n"
		       "b: {script: x, inherit: {variables: [V]}}\nc: {script: x}",
		false);

	ck_assert(built_job(&b, "a")->inherit_no_variables);
	ck_assert(built_job(&b, "b")->inherit_some_variables);
	ck_assert_str_eq(built_job(&b, "b")->inherit_variables.items[0], "V");
	ck_assert(!built_job(&b, "c")->inherit_no_variables);
	ck_assert(!built_job(&b, "c")->inherit_some_variables);
	built_free(&b);
}
END_TEST

/* A job named `pages` publishes unless it says no. */
START_TEST(job_named_pages_publishes)
{
	struct built yes = build_text("pages: {script: x}", false);
	struct built no = build_text("pages: {script: x, pages: false}", false);

	ck_assert_uint_eq(built_job(&yes, "pages")->artifacts.paths.count, 1);
	ck_assert(!built_job(&no, "pages")->artifacts.present);
	built_free(&yes);
	built_free(&no);
}
END_TEST

/* Jobs point at what the default points at. */
START_TEST(defaults_are_shared_not_copied)
{
	struct built b =
	    build_text("default: {before_script: [a, b], cache: {paths: [c]}}\n"
		       "x: {script: s}\ny: {script: s}",
		false);
	const struct job_config *x = built_job(&b, "x"), *y = built_job(&b, "y");

	ck_assert_ptr_eq(x->before_script.items, y->before_script.items);
	ck_assert_ptr_eq(x->caches.items, y->caches.items);
	built_free(&b);
}
END_TEST

START_TEST(keyword_table_is_sorted)
{
	for (size_t i = 1; i < KW_COUNT; i++)
		ck_assert_msg(strcmp(keywords[i - 1].name, keywords[i].name) < 0,
		    "%s must stand after %s", keywords[i - 1].name, keywords[i].name);
	for (size_t i = 0; i < KW_COUNT; i++)
		ck_assert_uint_eq(keyword_find(keywords[i].name), i);
	ck_assert_uint_eq(keyword_find("scripts"), KW_NONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config values");
	TCase *tc = tcase_create("values");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, reads, 0, ARRAY_LEN(values));
	tcase_add_test(tc, stages_have_ends_and_no_repetition);
	tcase_add_test(tc, workflow_and_variables_are_kept);
	tcase_add_test(tc, inherit_variables_is_kept);
	tcase_add_test(tc, job_named_pages_publishes);
	tcase_add_test(tc, defaults_are_shared_not_copied);
	tcase_add_test(tc, keyword_table_is_sorted);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
