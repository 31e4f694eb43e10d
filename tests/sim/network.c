/* Packets between runners and the server: late, lost, twice, or not at all. */
#include "tests/sim/world.h"

static void
arrive(struct world *w, const struct message *m)
{
	const struct sim_runner *r = &w->runners[m->runner];

	if (r->cut_off)
		return;
	if (m->kind == MSG_REPLY)
		runner_receive(w, m);
	else
		server_receive(w, m);
}

void
network_send(struct world *w, const struct message *m)
{
	int64_t delay = chance_between(w, 1 * MS, 40 * MS);

	if (w->runners[m->runner].cut_off || chance_of(w, w->faults ? w->loss : 0))
		return;
	if (w->faults && chance_of(w, 3))
		delay += chance_between(w, 1, 20 * SECOND);
	agenda_add(w, delay, arrive, *m);
	if (w->faults && chance_of(w, w->repeat))
		agenda_add(w, delay + chance_between(w, 0, 10 * SECOND), arrive, *m);
}
