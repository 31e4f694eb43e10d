/*
 * Who has logged in with a browser. A session is a token of its own, made from the one
 * that was shown, which a cookie carries: HttpOnly and SameSite, so that no script reads
 * it and no other site uses it. A call that changes something has to say, too, what only
 * our own pages can know (X-CSRF-Token). Loop thread.
 */
#ifndef SCHEDULER_API_SESSION_H
#define SCHEDULER_API_SESSION_H

#include "scheduler/api/api.h"

/* The session's token as the request's cookie has it, in the call's arena; NULL: none. */
const char *session_token(struct call *c);

/* May this call of that session do what it asks for? False after a 403. */
bool session_may(struct call *c, const char *token);

#endif
