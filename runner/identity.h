/* Who a runner says it is. */
#ifndef RUNNER_IDENTITY_H
#define RUNNER_IDENTITY_H

#include "protocol/json.h"

#define IDENTITY_SYSTEM_ID 15 /* with the NUL: "r_" and twelve letters and digits */

/* The one kept in state_dir/system_id, or a new one, which is written there. */
MUST_CHECK int identity_system_id(
    const char *state_dir, char out[IDENTITY_SYSTEM_ID], struct error *err);

/* What this program can do; name and executor are the caller's. */
struct runner_info identity_info(const char *version, const char *executor);

/* The first nine characters of a token, without "glrt-" and the like; in out. */
void identity_short_token(const char *token, char out[10]);

/* "https://host/api/v4", malloced. */
char *identity_api(const char *url);

#endif
