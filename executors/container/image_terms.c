/* Gathering them from the job and from who runs it. */
#include "executors/container/image_terms.h"

static void
add_source(struct image_terms *t, const char *what, const char *json, bool helpers)
{
	t->sources[t->auth.source_count++] =
	    (struct image_auth_source){ what, json, helpers };
}

/* Source: runner-protocol.md, pull policies: what the job asks for, else the runner's. */
static void
fill_policies(struct image_terms *t, const struct job_image *image, const char *usual)
{
	size_t n = 0;

	for (size_t i = 0; i < image->pull_policy_count && n < IMAGE_TERMS_POLICIES; i++)
		if (image_policy_parse(image->pull_policy[i], &t->policies[n]))
			n++;
	if (n == 0)
		n += usual != NULL && image_policy_parse(usual, &t->policies[n]);
	if (n == 0)
		t->policies[n++] = IMAGE_IF_NOT_PRESENT;
	t->policy_count = n;
}

void
image_terms_init(struct image_terms *t, const struct job_payload *job,
    const struct job_image *image, const char *usual)
{
	const char *given = job_payload_variable(job, "DOCKER_AUTH_CONFIG");

	*t = (struct image_terms){ .auth = { .sources = t->sources,
				       .credentials = job->credentials,
				       .credential_count = job->credential_count },
		.own = BUF_INIT };
	image_auth_read_own(&t->own);
	if (given != NULL)
		add_source(t, "DOCKER_AUTH_CONFIG", given, false);
	if (t->own.len > 0)
		add_source(t, "~/.docker/config.json", buf_str(&t->own), true);
	fill_policies(t, image, usual);
}

void
image_terms_clear(struct image_terms *t)
{
	if (t->own.len > 0)
		explicit_bzero(t->own.data, t->own.len);
	buf_clear(&t->own);
}
