/* The simulated store: what a commit brought stays, whatever becomes of the server. */
#include "tests/sim/world.h"

static void
put_job(struct store *s, const struct stored_job *from)
{
	struct stored_job *to = idmap_get(&s->jobs, from->row.id);
	struct stored_pipeline *p = idmap_get(&s->pipelines, from->row.pipeline);

	if (to == NULL) {
		to = xmalloc(sizeof(*to));
		idmap_set(&s->jobs, from->row.id, to);
		GROW(p->jobs, p->job_count, p->job_cap);
		p->jobs[p->job_count++] = from->row.id;
	}
	*to = *from;
	if (from->row.id > s->last_job)
		s->last_job = from->row.id;
}

static void
put_pipeline(struct store *s, const struct stored_pipeline *from)
{
	struct stored_pipeline *to = idmap_get(&s->pipelines, from->row.id);

	if (to == NULL) {
		to = xcalloc(1, sizeof(*to));
		to->plan = from->plan;
		to->origin = from->origin;
		idmap_set(&s->pipelines, from->row.id, to);
	}
	to->row = from->row;
	to->row.jobs = NULL;
	if (from->row.id > s->last_pipeline)
		s->last_pipeline = from->row.id;
}

void
store_apply(struct store *s, const struct commit *c)
{
	for (size_t i = 0; i < c->pipeline_count; i++)
		put_pipeline(s, &c->pipelines[i]);
	for (size_t i = 0; i < c->job_count; i++)
		put_job(s, &c->jobs[i]);
}

void
store_clear(struct store *s)
{
	idmap_for_each(e, &s->jobs)
		free(e->value);
	idmap_for_each(e, &s->pipelines) {
		struct stored_pipeline *p = e->value;

		free(p->jobs);
		free(p);
	}
	idmap_clear(&s->jobs);
	idmap_clear(&s->pipelines);
}

void
commit_clear(struct commit *c)
{
	free(c->jobs);
	free(c->pipelines);
	free(c->replies);
	free(c->downstream);
	*c = (struct commit){ .jobs = NULL };
}
