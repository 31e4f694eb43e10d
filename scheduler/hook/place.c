/* The folder pawl/ of a repository, and asking git about refs. */
#include "scheduler/hook/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/path.h"
#include "base/process.h"

#define MAX_LINE 4096
#define GONE "0000000000000000000000000000000000000000"

/* What a hook's git leaves there is about its push, not about ours. */
static void
prepare_environment(const struct place *p)
{
	static const char *const unwanted[] = { "GIT_PUSH_OPTION_COUNT",
		"GIT_QUARANTINE_PATH", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX",
		"GIT_NAMESPACE" };

	for (size_t i = 0; i < ARRAY_LEN(unwanted); i++)
		(void)unsetenv(unwanted[i]);
	(void)setenv("GIT_DIR", p->git_dir, 1);
	(void)setenv("LC_ALL", "C", 1); /* its words are read here */
	(void)setenv("GIT_TERMINAL_PROMPT", "0", 1);
	(void)setenv("GIT_ASKPASS", "", 1);
	(void)setenv("PAWL_HOOK_TOKEN", p->token, 1);
}

static int
read_url(const char *path, char **out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (buf_read_file(&text, path, MAX_LINE, err) < 0)
		return err->code;
	*out = xstrndup(buf_str(&text), strcspn(buf_str(&text), "\r\n"));
	return 0;
}

int
place_open(
    const char *git_dir, const char *settings, struct place *out, struct error *err)
{
	cleanup_place struct place p = PLACE_INIT;
	cleanup_free char *url = NULL;

	p.git_dir = realpath(git_dir, NULL);
	if (p.git_dir == NULL)
		return error_errno(err, "%s", git_dir);
	p.dir = path_join(p.git_dir, "pawl");
	p.token = path_join(settings != NULL ? settings : p.dir, "token");
	url = path_join(settings != NULL ? settings : p.dir, "url");
	if (read_url(url, &p.url, err) < 0)
		return err->code == -ENOENT ? error_set(err, ERR_MISSING,
						  "%s: no pawl hook is installed; "
						  "see pawl hook --help",
						  p.git_dir)
					    : err->code;
	if (access(p.token, R_OK) < 0)
		return error_errno(err, "cannot read %s", p.token);
	prepare_environment(&p);
	*out = p;
	p = (struct place)PLACE_INIT;
	return 0;
}

void
place_close(struct place *p)
{
	free(p->git_dir);
	free(p->dir);
	free(p->url);
	free(p->token);
}

int
place_lock(const struct place *p, const char *name, bool wait)
{
	cleanup_free char *path = path_join(p->dir, name);
	cleanup_close int fd =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
		if (errno != EINTR)
			return -1;
	return take_fd(&fd);
}

/* "SHA REF" lines to a map; the text is cut up and has to stay. */
static void
read_list(char *text, struct map *shas)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		char *space = strchr(line, ' ');

		if (space == NULL)
			continue;
		*space = '\0';
		map_set(shas, space + 1, line);
	}
}

int
place_refs(const struct place *p, const struct strlist *names, struct pushed *out,
    struct error *err)
{
	static const char *const first[] = { "git", "for-each-ref",
		"--format=%(objectname) %(refname)" };
	const char **argv = xcalloc(ARRAY_LEN(first) + names->count + 1, sizeof(*argv));
	const struct process git = { .argv = argv, .cwd = p->git_dir };
	cleanup_buf struct buf text = BUF_INIT;
	struct map shas = MAP_INIT;
	int rc = 0;

	memcpy(argv, first, sizeof(first));
	for (size_t i = 0; i < names->count; i++)
		argv[ARRAY_LEN(first) + i] = names->items[i];
	if (names->count > 0)
		rc = process_run(&git, &text, NULL, err);
	free(argv);
	if (rc < 0)
		return rc;
	if (text.len > 0)
		read_list(text.data, &shas);
	for (size_t i = 0; i < names->count; i++) {
		const char *sha = map_get(&shas, names->items[i]);

		pushed_add(out, names->items[i], sha != NULL ? sha : GONE);
	}
	map_clear(&shas);
	return 0;
}

char *
place_main_branch(const struct place *p)
{
	static const char *const argv[] = { "git", "symbolic-ref", "-q", "HEAD", NULL };
	const struct process git = { .argv = argv, .cwd = p->git_dir };
	cleanup_buf struct buf head = BUF_INIT;
	cleanup_strlist struct strlist names = STRLIST_INIT;
	cleanup_pushed struct pushed found = PUSHED_INIT;

	if (process_run(&git, &head, NULL, NULL) == 0)
		strlist_add_take(
		    &names, xstrndup(buf_str(&head), strcspn(buf_str(&head), "\n")));
	strlist_add(&names, "refs/heads/main");
	strlist_add(&names, "refs/heads/master");
	if (place_refs(p, &names, &found, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < found.refs.count; i++)
		if (!pushed_is_gone(found.shas.items[i]))
			return xstrdup(found.refs.items[i]);
	return NULL;
}
