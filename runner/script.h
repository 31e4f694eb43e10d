/*
 * The text a job's shell runs, made from a list of script items by GitLab's rules:
 * errexit and pipefail, each item shown before it runs, all in one shell, so that `cd`,
 * `export` and functions last. Source: runner-protocol.md sections 8.1 and 8.2.
 */
#ifndef RUNNER_SCRIPT_H
#define RUNNER_SCRIPT_H

#include "base/buf.h"
#include "base/str.h"

/*
 * Append the script for the items to out. echoes receives, for each item, the line that
 * shows it in the log, without its newline: what the supervisor looks for to tell which
 * item failed. trace_commands is CI_DEBUG_TRACE.
 */
void script_build(const char *const *items, size_t count, bool trace_commands,
    struct buf *out, struct strlist *echoes);

/* What a person would call the item: its first line, cut to size bytes. */
void script_item_title(const char *item, char *out, size_t size);

#endif
