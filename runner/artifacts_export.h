/*
 * Archives of what jobs have left, made one after the other beside the jobs that come
 * next: those get the layers. Loop thread.
 */
#ifndef RUNNER_ARTIFACTS_EXPORT_H
#define RUNNER_ARTIFACTS_EXPORT_H

#include "runner/artifacts.h"

struct artifacts_exports;
struct uv_loop_s;

struct artifacts_exports *artifacts_exports_new(struct uv_loop_s *loop);

/* A result that has a layer: that is taken over, the rest stays the caller's. */
void artifacts_exports_add(struct artifacts_exports *e, struct artifacts_result *result);

/* When the loop has nothing left to do. */
void artifacts_exports_free(struct artifacts_exports *e);

#endif
