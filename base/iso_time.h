/* Times as RFC 3339 and ISO 8601 write them, in UTC. */
#ifndef BASE_ISO_TIME_H
#define BASE_ISO_TIME_H

#include "base/base.h"

#define ISO_TIME_MAX 40

/* "2026-01-31T12:00:00Z", with_ms "2026-01-31T12:00:00.000Z", of microseconds since 1970.
 * Gives out; "" for a year that no calendar has. */
const char *iso_time_write(char out[ISO_TIME_MAX], int64_t us, bool with_ms);

/* A date alone, or with a time of day, and that with a fraction of a second and "Z" or
 * "+02:00"; without these it is UTC. False: it is none, and *us stays. */
bool iso_time_read(const char *text, int64_t *us);

#endif
