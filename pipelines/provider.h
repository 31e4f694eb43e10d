/*
 * How the compiler gets at files and changes: it opens nothing itself. A provider reads
 * the work tree (`pawl run`), a commit of a bare repository (server) or memory (tests).
 * Calls may block; they come from the thread that compiles.
 */
#ifndef PIPELINES_PROVIDER_H
#define PIPELINES_PROVIDER_H

#include "base/buf.h"
#include "base/str.h"

struct provider {
	void *data;

	/*
	 * Append the file's content to out. project and ref are NULL for the project
	 * being compiled. ERR_MISSING when there is no such file, ERR_ENVIRONMENT when
	 * that project cannot be had here (the message says what to pass), ERR_LIMIT
	 * above max bytes.
	 */
	int (*read)(void *data, const char *project, const char *ref, const char *path,
	    size_t max, struct buf *out, struct error *err);

	/* The tracked files of that project and ref, sorted bytewise. Owned by the
	 * provider. */
	int (*files)(void *data, const char *project, const char *ref,
	    const struct strlist **out, struct error *err);

	/*
	 * The paths the event changed, or (compare_to not NULL) those changed since the
	 * merge base with that ref; ERR_MISSING when it is no valid ref. *known is false
	 * when the event has no diff (new branch, tag, schedule): `rules:changes` is then
	 * true.
	 */
	int (*changed)(void *data, const char *compare_to, bool *known,
	    const struct strlist **out, struct error *err);
};

#endif
