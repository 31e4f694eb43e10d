/*
 * Folders and repositories for tests. Everything lies below $TMPDIR and is removed by
 * fixture_close. A step that fails ends the test with its reason.
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "base/base.h"

/* ThreadSanitizer forks where vfork() is asked for: who starts a program does not hear
 * why it could not be started. */
#ifdef __SANITIZE_THREAD__
#define FIXTURE_TSAN true
#else
#define FIXTURE_TSAN false
#endif

char *fixture_open(void);       /* a new empty folder; absolute, malloced */
void fixture_close(char *root); /* removes it, frees root; NULL is fine */

/* sh -c of a formatted text in dir, with the fixed names and dates of tests/env.sh. */
void fixture_sh(const char *dir, const char *fmt, ...) PRINTF(2, 3);

/* The same, returning what it printed, without the last line's end; malloced. */
char *fixture_ask(const char *dir, const char *fmt, ...) PRINTF(2, 3);

/* May this user mount file systems for all to see? In many a container not even root. */
bool fixture_can_mount(void);

/* May this user become any other and give files away? In a sandbox not even root. */
bool fixture_has_ids(void);

static inline void
fixture_cleanup(char **root)
{
	fixture_close(*root);
}
#define cleanup_fixture __attribute__((cleanup(fixture_cleanup)))

#endif
