/* The jobs of a plan as JSON. The fields are those of the command's documentation. */
#include "pipelines/plan_json.h"

#include "base/json_writer.h"

static void
put_allow_failure(struct json_writer *w, const struct allow_failure *allow)
{
	json_key(w, "allow_failure");
	if (allow->allowed || allow->exit_codes.count == 0) {
		json_add_bool(w, allow->allowed);
		return;
	}
	json_begin_object(w);
	json_key(w, "exit_codes");
	json_begin_array(w);
	for (size_t i = 0; i < allow->exit_codes.count; i++)
		json_add_int(w, allow->exit_codes.items[i]);
	json_end_array(w);
	json_end_object(w);
}

static void
put_need(struct json_writer *w, const struct need *need, const char *name)
{
	json_begin_object(w);
	json_put_string(w, "job", name);
	json_put_bool(w, "artifacts", need->artifacts);
	json_put_bool(w, "optional", need->optional);
	if (need->pipeline != NULL)
		json_put_string(w, "pipeline", need->pipeline);
	if (need->project != NULL)
		json_put_string(w, "project", need->project);
	json_end_object(w);
}

/* As written: a parallel job by its own name where all instances are needed, and an
 * optional one that is missing, too. */
static void
put_needs(struct json_writer *w, const struct plan *plan, const struct plan_job *job)
{
	const struct needs *needs = &job->needs_written;
	size_t run;

	json_key(w, "needs");
	if (!job->has_needs) {
		json_add_null(w);
		return;
	}
	json_begin_array(w);
	for (size_t i = 0; i < needs->count; i += run) {
		const char *name = needs->items[i].job;

		run = plan_needs_run(plan, job, i);
		if (run > 1)
			name = plan_find(plan, name)->config->base_name;
		put_need(w, &needs->items[i], name);
	}
	json_end_array(w);
}

static void
put_at(struct json_writer *w, const struct mark *at)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (at->file != NULL)
		buf_printf(&text, "%s:%" PRIu32, at->file, at->line);
	json_put_string(w, "at", at->file == NULL ? NULL : buf_str(&text));
}

static void
put_why(struct json_writer *w, const struct why *why)
{
	json_begin_object(w);
	json_put_string(w, "code", why_code_name(why->code));
	json_put_string(w, "text", why->text);
	put_at(w, &why->at);
	json_key(w, "rule");
	if (why->rule < 0)
		json_add_null(w);
	else
		json_add_int(w, why->rule);
	json_key(w, "values");
	json_begin_object(w);
	for (size_t i = 0; i < why->value_count; i++)
		json_put_string(w, why->values[i].name, why->values[i].value);
	json_end_object(w);
	json_end_object(w);
}

void
why_json(const struct why *why, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	put_why(&w, why);
}

static void
put_job(struct json_writer *w, const struct plan *plan, const struct plan_job *job)
{
	json_begin_object(w);
	json_put_string(w, "name", job->name);
	json_put_string(w, "stage", job->stage);
	json_put_string(w, "when", job_when_name(job->when));
	put_allow_failure(w, &job->allow_failure);
	put_needs(w, plan, job);
	json_put_bool(w, "created", job->created);
	json_key(w, "why");
	put_why(w, &job->why);
	json_key(w, "tags");
	json_begin_array(w);
	for (size_t i = 0; i < job->tags.count; i++)
		json_add_string(w, job->tags.items[i]);
	json_end_array(w);
	json_put_string(w, "image", job->image);
	json_put_string(w, "environment", job->environment);
	json_end_object(w);
}

void
plan_list_json(const struct plan *plan, bool all, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_array(&w);
	for (size_t i = 0; i < plan->job_count; i++) {
		if (!all && !plan->jobs[i].created)
			continue;
		json_newline(&w);
		put_job(&w, plan, &plan->jobs[i]);
	}
	buf_add_char(out, '\n');
	json_end_array(&w);
	buf_add_char(out, '\n');
}
