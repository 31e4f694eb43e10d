/*
 * What a page is made of and what it asks for first, said with the page itself ("Link:
 * …; rel=preload"): it is on its way before a script has looked at the address. Loop
 * thread.
 */
#ifndef SCHEDULER_API_WEB_AHEAD_H
#define SCHEDULER_API_WEB_AHEAD_H

#include "scheduler/api/api.h"

/* Adds the header. Calls of the API only for who is logged in. */
void web_ahead(struct call *c);

#endif
