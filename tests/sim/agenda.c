/* Chance and time: what happens, in which order, all from one seed. */
#include "tests/sim/world.h"

/* splitmix64: every seed is a good one. */
uint64_t
chance_next(struct world *w)
{
	uint64_t z = w->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

int64_t
chance_between(struct world *w, int64_t low, int64_t high)
{
	return low + (int64_t)(chance_next(w) % (uint64_t)(high - low + 1));
}

bool
chance_of(struct world *w, int percent)
{
	return (int)(chance_next(w) % 100) < percent;
}

static bool
is_earlier(const struct happening *a, const struct happening *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void
agenda_add(struct world *w, int64_t after_us, happen_fn what, struct message with)
{
	struct agenda *a = &w->agenda;
	struct happening h = { w->now_us + (after_us > 0 ? after_us : 0), a->order++,
		what, with };
	size_t i = a->count;

	GROW(a->items, a->count, a->cap);
	a->count++;
	for (; i > 0 && is_earlier(&h, &a->items[(i - 1) / 2]); i = (i - 1) / 2)
		a->items[i] = a->items[(i - 1) / 2];
	a->items[i] = h;
}

static struct happening
take_first(struct agenda *a)
{
	struct happening first = a->items[0], last = a->items[--a->count];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < a->count &&
		    is_earlier(&a->items[child + 1], &a->items[child]))
			child++;
		if (child >= a->count || !is_earlier(&a->items[child], &last))
			break;
		a->items[i] = a->items[child];
		i = child;
	}
	a->items[i] = last;
	return first;
}

bool
agenda_step(struct world *w)
{
	struct happening h;

	if (w->agenda.count == 0)
		return false;
	h = take_first(&w->agenda);
	w->now_us = h.at_us;
	w->events++;
	h.what(w, &h.with);
	return true;
}
