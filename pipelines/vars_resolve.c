/*
 * What a job sees: every visible variable once, and the values with their references
 * expanded through and through.
 */
#include "base/buf.h"
#include "pipelines/vars.h"
#include "pipelines/vars_ref.h"

enum mark { NOT_VISITED, IN_PROGRESS, DONE };

/* One definition. Those it overrides are kept: a reference to itself means them. */
struct definition {
	const struct var *var;
	struct definition *lower;
	const char *value; /* expanded, once DONE */
	enum mark mark;
};

/* Positions are those of first appearance, outer scopes first. */
struct table {
	struct arena *arena;
	struct definition **items; /* the one that counts */
	size_t count;
	uint32_t *index; /* position + 1 */
	size_t index_size;
};

static uint32_t *
find_slot(const struct table *t, const char *name, size_t len)
{
	size_t mask = t->index_size - 1;

	for (size_t i = vars_hash(name, len) & mask;; i = (i + 1) & mask)
		if (t->index[i] == 0 ||
		    vars_name_is(t->items[t->index[i] - 1]->var->name, name, len))
			return &t->index[i];
}

static struct definition *
find(const struct table *t, const char *name, size_t len)
{
	uint32_t *slot = find_slot(t, name, len);

	return *slot == 0 ? NULL : t->items[*slot - 1];
}

/* Into the list of its name, highest level first. There is one per level: the newest. */
static void
insert(struct table *t, struct definition **head, const struct var *var)
{
	struct definition *new;

	while (*head != NULL && (*head)->var->level > var->level)
		head = &(*head)->lower;
	if (*head != NULL && (*head)->var->level == var->level) {
		(*head)->var = var;
		return;
	}
	new = arena_alloc(t->arena, sizeof(*new));
	*new = (struct definition){ .var = var, .lower = *head };
	*head = new;
}

static void
add_scopes(struct table *t, const struct vars *v)
{
	if (v == NULL)
		return;
	add_scopes(t, v->parent);
	for (size_t i = 0; i < v->count; i++) {
		const struct var *var = &v->items[i];
		uint32_t *slot = find_slot(t, var->name, strlen(var->name));

		if (*slot == 0)
			*slot = (uint32_t)++t->count;
		insert(t, &t->items[*slot - 1], var);
	}
}

static void
table_fill(struct table *t, struct arena *a, const struct vars *v)
{
	size_t count = 0;

	for (const struct vars *scope = v; scope != NULL; scope = scope->parent)
		count += scope->count;
	*t = (struct table){ .arena = a, .index_size = 16 };
	while (t->index_size < count * 2)
		t->index_size *= 2;
	t->index = arena_calloc(a, t->index_size, sizeof(*t->index));
	t->items = arena_calloc(a, count + 1, sizeof(*t->items));
	add_scopes(t, v);
}

size_t
vars_all(const struct vars *v, struct arena *a, const struct var ***out)
{
	struct table t;

	table_fill(&t, a, v);
	*out = arena_calloc(a, t.count + 1, sizeof(**out));
	for (size_t i = 0; i < t.count; i++)
		(*out)[i] = t.items[i]->var;
	return t.count;
}

/* ---- expanding -------------------------------------------------------------------- */

/* A definition being expanded waits here for the one it refers to. A stack of our own,
 * since a chain of references can be as long as a file allows. */
struct frame {
	struct definition *def;
	const char *rest; /* of its value */
	struct buf out;
};

struct resolver {
	struct table table;
	struct frame *frames;
	size_t depth, cap;
	size_t total; /* bytes made so far */
};

static void
push(struct resolver *r, struct definition *def)
{
	GROW(r->frames, r->depth, r->cap);
	r->frames[r->depth++] =
	    (struct frame){ .def = def, .rest = def->var->value, .out = BUF_INIT };
	def->mark = IN_PROGRESS;
}

static void
resolver_clear(struct resolver *r)
{
	for (size_t i = 0; i < r->depth; i++)
		buf_clear(&r->frames[i].out);
	free(r->frames);
}

/* What the reference means inside def; NULL: leave it as written. */
static struct definition *
target_of(const struct resolver *r, const struct definition *def, struct var_ref ref)
{
	struct definition *target;

	if (ref.kind != VAR_REF_NAME)
		return NULL;
	if (vars_name_is(def->var->name, ref.name, ref.name_len))
		target = def->lower;
	else
		target = find(&r->table, ref.name, ref.name_len);
	if (target == NULL || target->var->raw || target->var->file)
		return NULL;
	return target;
}

/* The definitions from the first one named `again` on, which closes the circle. */
static int
refuse_cycle(const struct resolver *r, const struct definition *again, struct error *err)
{
	cleanup_buf struct buf names = BUF_INIT;
	size_t i = r->depth;

	while (i > 0 && r->frames[i - 1].def != again)
		i--;
	for (i = i > 0 ? i - 1 : 0; i < r->depth && names.len < ERROR_MAX; i++)
		buf_printf(&names, "%s\"%s\"", names.len > 0 ? ", " : "",
		    r->frames[i].def->var->name);
	return error_set(err, ERR_INVALID, "circular variable reference detected: [%s]",
	    buf_str(&names));
}

static int
append(
    struct resolver *r, struct frame *f, const char *data, size_t len, struct error *err)
{
	buf_add(&f->out, data, len);
	r->total += len;
	if (f->out.len > VARS_MAX_VALUE || r->total > VARS_MAX_TOTAL)
		return error_set(err, ERR_LIMIT,
		    "variable \"%s\" expands to more than %zu bytes", f->def->var->name,
		    f->out.len > VARS_MAX_VALUE ? VARS_MAX_VALUE : VARS_MAX_TOTAL);
	return 0;
}

static void
finish(struct resolver *r, struct frame *f)
{
	f->def->value = arena_strndup(r->table.arena, buf_str(&f->out), f->out.len);
	f->def->mark = DONE;
	buf_clear(&f->out);
	r->depth--;
}

/* Expand the topmost frame up to the next reference that has to wait for another. */
static int
advance(struct resolver *r, struct error *err)
{
	struct frame *f = &r->frames[r->depth - 1];
	struct var_ref ref = var_ref_next(f->rest);
	struct definition *target = target_of(r, f->def, ref);
	const char *value = ref.start;
	size_t len = ref.len;

	if (target != NULL && target->mark == IN_PROGRESS)
		return refuse_cycle(r, target, err);
	if (target != NULL && target->mark == NOT_VISITED) {
		push(r, target);
		return 0; /* and come back to this reference */
	}
	if (append(r, f, f->rest, (size_t)(ref.start - f->rest), err) < 0)
		return err == NULL ? ERR_LIMIT : err->code;
	if (ref.kind == VAR_REF_NONE) {
		finish(r, f);
		return 0;
	}
	if (target != NULL) {
		value = target->value;
		len = strlen(value);
	}
	f->rest = ref.start + ref.len;
	return append(r, f, value, len, err);
}

static int
expand(struct resolver *r, struct definition *def, struct error *err)
{
	const char *value = def->var->value;

	if (def->mark == DONE)
		return 0;
	if (def->var->raw || value[strcspn(value, "$%")] == '\0') {
		def->value = value;
		def->mark = DONE;
		return 0;
	}
	push(r, def);
	while (r->depth > 0) {
		int rc = advance(r, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int
vars_resolve(const struct vars *v, struct arena *a, struct var **out, size_t *count,
    struct error *err)
{
	struct resolver r = { .frames = NULL };
	struct var *list;
	int rc = 0;

	table_fill(&r.table, a, v);
	list = arena_calloc(a, r.table.count + 1, sizeof(*list));
	for (size_t i = 0; i < r.table.count && rc == 0; i++) {
		rc = expand(&r, r.table.items[i], err);
		list[i] = *r.table.items[i]->var;
		list[i].value = r.table.items[i]->value;
	}
	resolver_clear(&r);
	if (rc < 0)
		return rc;
	*out = list;
	*count = r.table.count;
	return 0;
}
