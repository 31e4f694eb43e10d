/* What several calls about pipelines share. */
#ifndef SCHEDULER_API_PIPELINES_H
#define SCHEDULER_API_PIPELINES_H

#include "scheduler/api/listing.h"
#include "scheduler/recipe.h"

/* Reading a list of a project's pipelines, filtered and ordered as the call asks; NULL
 * after a 404 or 400. Loop thread. */
struct reading *pipelines_listing(struct call *c);

/* Only one of r's project is found. Its texts are in r's arena. On a worker. */
MUST_CHECK int pipelines_get(struct store_view *v, struct reading *r,
    struct store_pipeline *out, struct error *err);

/* What its starter gave, which lies sealed with the row. The caller frees *out, which is
 * NULL for a row that keeps none. On a worker. */
MUST_CHECK int pipelines_open_recipe(const struct reading *r,
    const struct store_pipeline *row, struct recipe **out, struct error *err);

#endif
