/* Choosing jobs by name. */
#include "cli/select.h"

#include "base/str.h"

static int
unknown_job(const struct plan *plan, const char *name, struct error *err)
{
	const char **names = xcalloc(plan->job_count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < plan->job_count; i++)
		names[i] = plan->jobs[i].name;
	near = str_nearest(name, names);
	free(names);
	if (near != NULL)
		return error_set(
		    err, ERR_MISSING, "there is no job %s; did you mean %s?", name, near);
	return error_set(err, ERR_MISSING,
	    "there is no job %s; `pawl list --all` shows the jobs there are", name);
}

static bool
is_called(const struct plan_job *job, const char *name)
{
	return str_eq(job->name, name) || str_eq(job->config->base_name, name);
}

static int
add_named(
    const struct plan *plan, const char *name, struct selection *s, struct error *err)
{
	const struct plan_job *dropped = NULL;
	bool found = false;

	for (size_t i = 0; i < plan->job_count; i++) {
		if (!is_called(&plan->jobs[i], name))
			continue;
		if (!plan->jobs[i].created) {
			dropped = &plan->jobs[i];
			continue;
		}
		s->include[i] = s->play[i] = found = true;
	}
	if (found)
		return 0;
	if (dropped == NULL)
		return unknown_job(plan, name, err);
	return error_set(err, ERR_MISSING,
	    "job %s is not in this pipeline: %s; `pawl why '%s'` tells more, --event and -v change "
	    "what is asked",
	    dropped->name, dropped->why.text != NULL ? dropped->why.text : "",
	    dropped->name);
}

/* What has to run before: needs, or every job of the earlier stages. */
static void
add_needs(const struct plan *plan, size_t index, struct selection *s)
{
	const struct plan_job *job = &plan->jobs[index];

	for (size_t i = 0; i < job->need_count; i++) {
		size_t need = job->needs[i].job;

		if (!s->include[need]) {
			s->include[need] = true;
			add_needs(plan, need, s);
		}
	}
	for (size_t i = 0; !job->has_needs && i < plan->job_count; i++) {
		const struct plan_job *earlier = &plan->jobs[i];

		if (earlier->stage_index < job->stage_index && earlier->created &&
		    !s->include[i]) {
			s->include[i] = true;
			add_needs(plan, i, s);
		}
	}
}

int
selection_make(const struct plan *plan, const char *const *names, size_t count,
    bool with_needs, struct selection *out, struct error *err)
{
	struct selection s = { NULL };

	if (count > 0) {
		s.include = xcalloc(plan->job_count, sizeof(*s.include));
		s.play = xcalloc(plan->job_count, sizeof(*s.play));
	}
	for (size_t i = 0; i < count; i++) {
		if (add_named(plan, names[i], &s, err) < 0) {
			selection_clear(&s);
			return err->code;
		}
	}
	for (size_t i = 0; with_needs && s.play != NULL && i < plan->job_count; i++)
		if (s.play[i])
			add_needs(plan, i, &s);
	for (size_t i = 0; i < plan->job_count; i++)
		s.count += plan->jobs[i].created && (s.include == NULL || s.include[i]);
	*out = s;
	return 0;
}

void
selection_clear(struct selection *s)
{
	free(s->include);
	free(s->play);
	*s = (struct selection){ NULL };
}
