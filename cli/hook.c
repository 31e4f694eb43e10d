/* pawl hook: lets pushes to a repository hosted elsewhere go on to a server. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/process.h"
#include "base/program.h"
#include "cli/commands.h"
#include "cli/hook_script.h"
#include "cli/remote.h"
#include "cli/token.h"

#define MAX_OUTPUT ((size_t)16 << 20)
#define DAY_MS (24 * 3600 * 1000)

static const struct option_row own_options[] = {
	{ 0, "server", "URL",
	    "install: the server (default: as before, else the one you are logged in to)" },
	{ 0, "project", "GROUP/NAME",
	    "install: the project on it; one that is not there yet is made" },
	{ 0, "token-file", "FILE",
	    "install: the first line of FILE is the token, \"-\" for standard input "
	    "(default: as before, else that of `pawl login`, else PAWL_TOKEN)" },
	{ 0, "force", NULL,
	    "install: the project loses what this repository does not have" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, NULL };

static int
fail(const struct error *err, int exit_code)
{
	(void)fprintf(stderr, "pawl: %s\n", err->msg);
	return exit_code;
}

/* ---- what is wanted -------------------------------------------------------------- */

struct wanted {
	struct arena *arena;
	struct logins logins;
	const char *server, *project, *token; /* NULL: not said */
};

static bool
is_project(const char *text)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_.-/";

	return strchr(text, '/') != NULL && text[strspn(text, letters)] == '\0' &&
	    text[0] != '/' && !str_ends(text, "/") && strstr(text, "//") == NULL;
}

/* While one is still oneself: the token's file may be root's. */
static int
read_wanted(const struct args *args, struct wanted *w)
{
	cleanup_free char *path = logins_path();
	const char *server = args_value(args, "server");
	struct error err = ERROR_INIT;
	char token[TOKEN_MAX];

	w->project = args_value(args, "project");
	if (w->project != NULL && !is_project(w->project))
		return command_usage_error(
		    args, "--project %s: wanted GROUP/NAME", w->project);
	if (server != NULL && remote_read_server(server, w->arena, &w->server, &err) < 0)
		return command_usage_error(args, "%s", err.msg);
	if (logins_load(path, w->arena, &w->logins, &err) < 0)
		return fail(&err, EXIT_INVALID);
	if (!args_has(args, "token-file"))
		return EXIT_OK;
	if (token_read(args, server != NULL ? server : "the server", token) != EXIT_OK)
		return EXIT_INVALID;
	w->token = arena_strdup(w->arena, token);
	return EXIT_OK;
}

static const char *
environment_token(void)
{
	const char *token = getenv("PAWL_TOKEN");

	return token != NULL && *token != '\0' && strpbrk(token, "\r\n") == NULL ? token
										 : NULL;
}

/* What was not said is as it was, or what `pawl login` knows. */
static int
complete(const struct args *args, const struct hook_place *p, struct wanted *w)
{
	struct remote old = { NULL };

	if (p->url != NULL)
		(void)remote_read_url(p->url, &w->logins, w->server, w->arena, &old);
	if (w->server == NULL)
		w->server = old.server;
	if (w->server == NULL && w->logins.count == 1)
		w->server = w->logins.items[0].url;
	if (w->server == NULL)
		return command_usage_error(args, "which server? say --server URL");
	if (w->project == NULL)
		w->project = old.project;
	if (w->project == NULL)
		return command_usage_error(
		    args, "which project of %s? say --project GROUP/NAME", w->server);
	if (w->token == NULL && old.server != NULL && str_eq(old.server, w->server))
		w->token = p->token;
	if (w->token == NULL)
		w->token = logins_token(&w->logins, w->server);
	if (w->token == NULL)
		w->token = environment_token();
	if (w->token == NULL)
		return command_usage_error(
		    args, "which token of %s? say --token-file FILE", w->server);
	return EXIT_OK;
}

/* ---- installing ------------------------------------------------------------------ */

/* pawl-hook VERB…, showing what it says. Its exit code. */
static int
run_hook(const char *const *words, size_t count)
{
	cleanup_free char *program = program_path("pawl-hook");
	const char *argv[8] = { program };
	const struct process hook = {
		.argv = argv, .max_out = MAX_OUTPUT, .timeout_ms = DAY_MS
	};
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	int status = EXIT_FAULT;

	for (size_t i = 0; i < count && i + 2 < ARRAY_LEN(argv); i++)
		argv[i + 1] = words[i];
	if (process_run(&hook, &out, &status, &err) < 0 && out.len == 0)
		return fail(&err, EXIT_FAULT);
	(void)fputs(buf_str(&out), status == 0 ? stdout : stderr);
	return status;
}

/* The rest is its work. */
static int
become_hook(const char *verb, const struct hook_place *p)
{
	char *argv[] = { NULL, xstrdup(verb), xstrdup(p->git_dir), NULL };
	struct error err = ERROR_INIT;

	(void)fflush(stdout);
	(void)program_become("pawl-hook", argv, &err);
	free(argv[1]);
	free(argv[2]);
	return fail(&err, EXIT_FAULT);
}

/* The new settings are good: the server takes them, and has all there is. */
static int
try_settings(
    const struct args *args, const struct hook_place *p, const char *url, const char *dir)
{
	const char *const first[] = { "first", p->git_dir, dir, "force" };
	const char *const check[] = { "check", p->git_dir, dir };

	if (p->url != NULL && str_eq(p->url, url))
		return run_hook(check, ARRAY_LEN(check));
	return run_hook(first, args_has(args, "force") ? 4 : 3);
}

static int
put(const struct hook_place *p, const struct hook_script *script, const char *url)
{
	struct error err = ERROR_INIT;

	if (hook_place_put(p, &err) < 0 || hook_place_take_options(p, &err) < 0 ||
	    hook_script_put(script, &err) < 0)
		return fail(&err, EXIT_INVALID);
	hook_place_discard(p);
	printf("What is pushed to %s goes on to %s\n", p->git_dir, url);
	return become_hook("sync", p); /* what was pushed meanwhile */
}

static int
install(const struct args *args, const struct hook_place *p, struct wanted *w)
{
	cleanup_hook_script struct hook_script script = HOOK_SCRIPT_INIT;
	cleanup_free char *dir = NULL;
	struct error err = ERROR_INIT;
	const char *url;
	int rc = complete(args, p, w);

	if (rc != EXIT_OK)
		return rc;
	hook_script_look(p, &script);
	if (hook_script_check(&script, &err) < 0)
		return fail(&err, EXIT_INVALID);
	url = arena_printf(w->arena, "%s/%s.git", w->server, w->project);
	dir = hook_place_prepare(p, url, w->token, &err);
	if (dir == NULL)
		return fail(&err, EXIT_INVALID);
	rc = try_settings(args, p, url, dir);
	if (rc == EXIT_OK)
		return put(p, &script, url);
	hook_place_discard(p);
	return rc;
}

/* ---- the others ------------------------------------------------------------------ */

static int
remove_hook(const struct hook_place *p)
{
	cleanup_hook_script struct hook_script script = HOOK_SCRIPT_INIT;
	struct error err = ERROR_INIT;

	hook_script_look(p, &script);
	if (hook_script_remove(&script, &err) < 0 || hook_place_remove(p, &err) < 0)
		return fail(&err, EXIT_INVALID);
	if (script.state == HOOK_SCRIPT_OWN && script.is_shared)
		printf("%s stays: other repositories may use it\n", script.path);
	if (script.state == HOOK_SCRIPT_CALLED)
		printf(
		    "%s calls pawl-hook; here it does nothing any more\n", script.caller);
	printf("No push to %s goes on to a server\n", p->git_dir);
	return EXIT_OK;
}

static const char *
describe(const struct hook_script *s)
{
	switch (s->state) {
	case HOOK_SCRIPT_NONE:
		return " is missing; install it again";
	case HOOK_SCRIPT_OWN:
		if (s->is_off)
			return " is not executable; install it again";
		return s->has_before ? ", after the one that was there" : "";
	case HOOK_SCRIPT_CALLED:
		return ", by your own hook";
	case HOOK_SCRIPT_PLAIN:
	case HOOK_SCRIPT_FOREIGN:
		break;
	}
	return " does not call pawl-hook; install it again";
}

static int
show_status(const struct hook_place *p)
{
	cleanup_hook_script struct hook_script script = HOOK_SCRIPT_INIT;
	bool works;

	if (p->url == NULL) {
		printf("No hook of pawl is installed in %s\n", p->git_dir);
		return EXIT_FAILED;
	}
	hook_script_look(p, &script);
	works = (script.state == HOOK_SCRIPT_OWN && !script.is_off) ||
	    script.state == HOOK_SCRIPT_CALLED;
	printf("repository  %s\nproject     %s\ntoken       %s/token\nhook        %s%s\n",
	    p->git_dir, p->url, p->dir,
	    script.caller != NULL ? script.caller : script.path, describe(&script));
	return works ? become_hook("compare", p) : EXIT_FAILED;
}

/* ---- the command ----------------------------------------------------------------- */

static int
run_verb(const struct args *args, const char *verb, struct wanted *w)
{
	const char *dir = args_count(args) > 1 ? args_word(args, 1) : ".";
	cleanup_hook_place struct hook_place p = HOOK_PLACE_INIT;
	struct error err = ERROR_INIT;

	if (hook_place_become_owner(dir, &err) < 0 || hook_place_open(dir, &p, &err) < 0)
		return fail(&err, EXIT_INVALID);
	if (str_eq(verb, "install"))
		return install(args, &p, w);
	if (str_eq(verb, "remove"))
		return remove_hook(&p);
	return str_eq(verb, "sync") ? become_hook(verb, &p) : show_status(&p);
}

static int
run(const struct args *args)
{
	static const char *const verbs[] = { "install", "status", "sync", "remove",
		NULL };
	cleanup_arena struct arena *arena = arena_new();
	struct wanted w = { .arena = arena };
	const char *verb = args_count(args) > 0 ? args_word(args, 0) : "";
	bool known = false;
	int rc = EXIT_OK;

	for (size_t i = 0; verbs[i] != NULL; i++)
		known = known || str_eq(verb, verbs[i]);
	if (!known || args_count(args) > 2)
		return command_usage_error(
		    args, "wanted install, status, sync or remove, and one repository");
	if (str_eq(verb, "install"))
		rc = read_wanted(args, &w);
	return rc == EXIT_OK ? run_verb(args, verb, &w) : rc;
}

const struct command command_hook = {
	.name = "hook",
	.usage = "install|status|sync|remove [REPOSITORY]",
	.summary = "pipelines for a repository hosted elsewhere",
	.description =
	    "For repositories that stay where they are, on plain ssh or gitolite: what is "
	    "pushed there goes on to a project of a pawl server, and the pusher sees its "
	    "answer. Run it on the machine that has the bare repository (default: this "
	    "folder), as its owner; root becomes the owner.\n\n"
	    "`install` copies the repository to the project, which from then on is its "
	    "mirror: branches and tags that are made, moved or deleted here are there, too. "
	    "The default branch gets a pipeline. A hook post-receive that is there already "
	    "is kept and runs first. The token needs the scope write_repository; it is "
	    "kept in the repository's folder pawl, which only the owner can read. "
	    "Installing again changes what is said anew.\n\n"
	    "`git push -o` takes ci.skip, ci.variable, ci.input and ci.wait. When the server "
	    "is away the push is done all the same; its pipeline starts when the server is "
	    "back, or with the next push, or with `sync`, which brings the server what it "
	    "lacks. `status` says whether it lacks anything, with 1 as exit code if it does.",
	.options = options,
	.run = run,
};
