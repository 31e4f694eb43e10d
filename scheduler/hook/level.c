/* Comparing with the server, and pushing what it lacks. */
#include "scheduler/hook/level.h"

#include <time.h>

#include "base/buf.h"
#include "scheduler/hook/queue.h"

#define MANY 50 /* refs; more at once are an import for the server, too */

/* ---- comparing ------------------------------------------------------------------- */

struct comparison {
	struct difference *out;
	struct buf what;
	bool is_empty; /* no ref is here at all */
};

static void
note_ref(char what, const char *ref, const char *why UNUSED, void *data)
{
	struct comparison *c = data;

	if (what != '-')
		c->is_empty = false;
	if (what == '=') {
		c->out->same++;
		return;
	}
	strlist_add(&c->out->refs, ref);
	buf_add_char(&c->what, what);
}

void
difference_clear(struct difference *d)
{
	strlist_clear(&d->refs);
	free(take(d->what));
	d->same = 0;
}

enum mirror_result
level_compare(const struct place *p, struct difference *out, struct error *err)
{
	struct comparison c = { .out = out, .is_empty = true };
	const struct mirror_push push = {
		.place = p, .prune = true, .compare = true, .on_ref = note_ref, .data = &c
	};
	enum mirror_result result = mirror_push(&push, err);

	out->is_lost = c.is_empty && out->refs.count > 0;
	out->what = buf_take(&c.what);
	return result;
}

/* ---- pushing --------------------------------------------------------------------- */

static bool
is_same(const char *sha, const char *other)
{
	return str_eq(sha, other) || (pushed_is_gone(sha) && pushed_is_gone(other));
}

/* Refspecs of the refs that have not moved since. */
static int
make_refspecs(struct level_push *l, struct strlist *out, struct error *err)
{
	cleanup_pushed struct pushed now = PUSHED_INIT;

	if (place_refs(l->place, &l->seen->refs, &now, err) < 0)
		return err->code;
	for (size_t i = 0; i < now.refs.count; i++) {
		const char *ref = now.refs.items[i], *sha = now.shas.items[i];

		if (!is_same(sha, l->seen->shas.items[i]))
			l->overtaken++;
		else if (pushed_is_gone(sha))
			strlist_add_take(out, xasprintf(":%s", ref));
		else
			strlist_add_take(out, xasprintf("+%s:%s", sha, ref));
	}
	return 0;
}

enum mirror_result
level_push(struct level_push *l, struct error *err)
{
	cleanup_strlist struct strlist refspecs = STRLIST_INIT;
	bool many = l->seen->refs.count > MANY;
	const struct mirror_push push = { .place = l->place,
		.refspecs = many ? NULL : &refspecs,
		.options = l->options,
		.prune = many,
		.on_line = l->on_line,
		.on_ref = l->on_ref,
		.data = l->data };

	l->overtaken = 0;
	if (!many && make_refspecs(l, &refspecs, err) < 0)
		return MIRROR_AWAY;
	if (!many && refspecs.count == 0)
		return MIRROR_DONE;
	return mirror_push(&push, err);
}

/* ---- both ------------------------------------------------------------------------ */

/* Whoever pushed it is not there any more. */
static void
leave_out_wait(struct strlist *options)
{
	size_t n = 0;

	for (size_t i = 0; i < options->count; i++)
		if (str_eq(options->items[i], "ci.wait"))
			free(options->items[i]);
		else
			options->items[n++] = options->items[i];
	options->count = n;
}

static enum mirror_result
push_note(const struct level_push *like, const char *name, struct error *err)
{
	cleanup_pushed struct pushed note = PUSHED_INIT;
	struct level_push l = *like;
	enum mirror_result result;

	/* another process may have been faster */
	if (queue_read(l.place, name, &note, err) < 0)
		return MIRROR_DONE;
	leave_out_wait(&note.options);
	l.seen = &note;
	l.options = &note.options;
	result = level_push(&l, err);
	if (result != MIRROR_AWAY)
		queue_drop(l.place, name);
	return result;
}

static enum mirror_result
push_all(const struct level_push *like, const struct strlist *notes, struct error *err)
{
	cleanup_close int lock = place_lock(like->place, "lock", true);
	struct level_push l = *like;
	enum mirror_result result = MIRROR_DONE;

	if (lock < 0) {
		(void)error_errno(err, "cannot lock %s", l.place->dir);
		return MIRROR_REFUSED;
	}
	for (size_t i = 0; i < notes->count && result != MIRROR_AWAY; i++)
		result = push_note(&l, notes->items[i], err);
	if (result == MIRROR_AWAY || l.seen->refs.count == 0)
		return result;
	return level_push(&l, err);
}

enum mirror_result
level_refs(const struct place *p, bool (*on_line)(const char *line, void *data),
    void *data, struct error *err)
{
	const struct timespec second = { .tv_sec = 1 };
	cleanup_difference struct difference lacks = DIFFERENCE_INIT;
	cleanup_strlist struct strlist notes = STRLIST_INIT;
	cleanup_pushed struct pushed seen = PUSHED_INIT;
	const struct level_push l = {
		.place = p, .seen = &seen, .on_line = on_line, .data = data
	};
	enum mirror_result result = level_compare(p, &lacks, err);

	if (result != MIRROR_DONE)
		return result;
	if (lacks.is_lost) {
		(void)error_set(err, ERR_MISSING,
		    "%s has no branch and no tag; the server keeps those it has",
		    p->git_dir);
		return MIRROR_REFUSED;
	}
	if (place_refs(p, &lacks.refs, &seen, err) < 0)
		return MIRROR_AWAY;
	if (lacks.refs.count > 0)
		(void)nanosleep(&second, NULL);
	queue_list(p, &notes);
	if (lacks.refs.count == 0 && notes.count == 0)
		return MIRROR_DONE;
	return push_all(&l, &notes, err);
}
