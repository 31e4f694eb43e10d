/*
 * Changing the settings' file, so that what a person wrote there stays: whole lines are
 * added or replaced, found by where the parser says they are, and what comes of it is
 * read again before anybody writes it.
 */
#ifndef RUNNER_SETTINGS_EDIT_H
#define RUNNER_SETTINGS_EDIT_H

#include "runner/settings.h"

struct settings_change {
	const struct runner_settings *said; /* what is not NULL or 0 there is set */
	const struct runner_server *server; /* takes the place of that of its URL */
	unsigned replaced_line;             /* out: from 1; 0: it was added */
};

/* text: the file's, changed only on success. file: its name. ERR_INVALID: it is written
 * so that no line can be changed by itself. */
MUST_CHECK int settings_edit(struct buf *text, const char *file,
    struct settings_change *change, struct error *err);

#endif
