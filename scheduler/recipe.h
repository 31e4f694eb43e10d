/*
 * What it takes to compile a pipeline's plan, now and again after a restart: the event,
 * what its starter gave, what variables the server held, and which commits of other
 * projects were included. Kept with the pipeline as JSON, sealed by whoever stores it,
 * because variables are secrets. Plain data in an arena of its own.
 */
#ifndef SCHEDULER_RECIPE_H
#define SCHEDULER_RECIPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "pipelines/vars.h"
#include "scheduler/event.h"

/* A project that was included, and the commit its ref stood for. */
struct recipe_pin {
	const char *project, *ref, *sha; /* ref NULL: its default branch */
};

/* A file that is in no commit: what a job generated for a child pipeline. */
struct recipe_file {
	const char *path, *text;
};

/* A variable of the instance, a group or the project, as it was when the plan was made.
 */
struct recipe_held {
	struct var var;
	const char *level; /* "instance", "group", "project"; as var.level */
};

#define RECIPE_VERSION 1

struct recipe {
	struct arena *arena; /* owns the rest */
	int64_t version;
	struct event event;
	const char *config_path;
	struct var *vars; /* pipeline variables, at VAR_PIPELINE */
	size_t var_count, var_cap;
	/*
	 * What the server held when the first plan was compiled: rules decide by it once
	 * and for all. Values a job gets are those of the moment it is given to a runner.
	 */
	struct recipe_held *held;
	size_t held_count, held_cap;
	bool has_held;        /* false: not compiled yet */
	const char *inputs;   /* a map as YAML or JSON; NULL: none */
	bool inputs_as_typed; /* texts are read as each input's type asks (-o ci.input) */
	struct recipe_pin *pins;
	size_t pin_count, pin_cap;
	struct recipe_file *files;
	size_t file_count, file_cap;
	/* Of a downstream pipeline: how deep it is among child pipelines, and which
	 * pipelines that are none stand above it, "PROJECT SOURCE REF" each. */
	int64_t nesting;
	const char **ancestors;
	size_t ancestor_count, ancestor_cap;
};

struct recipe *recipe_new(void);
void recipe_free(struct recipe *r); /* NULL is fine */

/* All strings are copied. */
void recipe_set_event(struct recipe *r, const struct event *event);
void recipe_add_var(struct recipe *r, const struct var *var);
/* One of a lower level than VAR_PIPELINE. */
void recipe_hold_var(struct recipe *r, const struct var *var);
void recipe_add_pin(
    struct recipe *r, const char *project, const char *ref, const char *sha);
void recipe_add_file(struct recipe *r, const char *path, const char *text, size_t len);

void recipe_add_ancestor(struct recipe *r, const char *key);

void recipe_write(const struct recipe *r, struct buf *out);
/* ERR_INVALID names what is wrong. */
MUST_CHECK int recipe_read(
    const char *text, size_t len, struct recipe **out, struct error *err);

struct diags;
/* The values for spec:inputs, the arena's; NULL: none, or no YAML, as diags say. On those
 * without a file see struct document_options. */
const struct node *recipe_inputs(
    const struct recipe *r, struct arena *arena, struct diags *diags);

#endif
