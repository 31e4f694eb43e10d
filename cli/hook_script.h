/*
 * hooks/post-receive of a repository: a short shell script that runs what was there
 * before it, then pawl-hook. Somebody else's file is kept, or left alone.
 */
#ifndef CLI_HOOK_SCRIPT_H
#define CLI_HOOK_SCRIPT_H

#include "cli/hook_place.h"

enum hook_script_state {
	HOOK_SCRIPT_NONE,    /* there is no hook */
	HOOK_SCRIPT_OWN,     /* as `pawl hook install` wrote it */
	HOOK_SCRIPT_CALLED,  /* another one, which calls pawl-hook */
	HOOK_SCRIPT_PLAIN,   /* another one, which can be kept beside ours */
	HOOK_SCRIPT_FOREIGN, /* another one, which is not for pawl to move */
};

struct hook_script {
	enum hook_script_state state;
	char *path;                         /* of hooks/post-receive */
	char *before;                       /* where a plain one is kept */
	char *caller;                       /* the file that calls pawl-hook, or NULL */
	char *why;                          /* that it is foreign; NULL */
	char *program;                      /* pawl-hook, for a shell */
	bool is_shared, has_before, is_off; /* off: git does not run it */
};

#define HOOK_SCRIPT_INIT                                                                 \
	{                                                                                \
		.state = HOOK_SCRIPT_NONE                                                \
	}

void hook_script_look(const struct hook_place *p, struct hook_script *out);
void hook_script_clear(struct hook_script *s);
#define cleanup_hook_script __attribute__((cleanup(hook_script_clear)))

/* ERR_INVALID: it is foreign; the message says what its owner has to do. Changes nothing
 * where nothing has to change. */
MUST_CHECK int hook_script_check(const struct hook_script *s, struct error *err);
MUST_CHECK int hook_script_put(const struct hook_script *s, struct error *err);

/* What was there before is there again. */
MUST_CHECK int hook_script_remove(const struct hook_script *s, struct error *err);

#endif
