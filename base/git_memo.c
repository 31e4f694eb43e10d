/*
 * What git_repo_facts() found, kept in a file with the signature of everything it
 * depends on: HEAD, refs, shallow and the configuration files. git replaces those by
 * rename, so inode and times tell any two versions apart.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/git_backend.h"
#include "base/path.h"

#define MAGIC "pawl git facts 2"
#define MAX_MEMO ((size_t)1 << 20)
#define MAX_CONFIG ((size_t)1 << 20)
#define MAX_LOOSE_REFS 1000 /* above, looking at them costs more than it saves */
#define MAX_DEPTH 16
#define SETTLED_NS 20000000 /* coarse file times: a change this young may be followed */

struct signature {
	struct buf text;
	size_t files;
	int64_t newest_ns; /* change time */
	bool unsure;       /* something could not be looked at */
};

static int64_t
to_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

static void
add_stat(struct signature *s, const char *name, const struct stat *st)
{
	int64_t changed = to_ns(&st->st_ctim);

	if (changed > s->newest_ns)
		s->newest_ns = changed;
	buf_printf(&s->text, "%s %ju %jd %jd %jd\n", name, (uintmax_t)st->st_ino,
	    (intmax_t)st->st_size, (intmax_t)to_ns(&st->st_mtim), (intmax_t)changed);
}

static void
add_file(struct signature *s, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		add_stat(s, path, &st);
	else if (errno == ENOENT || errno == ENOTDIR)
		buf_printf(&s->text, "%s -\n", path);
	else
		s->unsure = true;
}

static void
add_file_in(struct signature *s, const char *dir, const char *name)
{
	cleanup_free char *path = path_join(dir, name);

	add_file(s, path);
}

/* The folders too: their times change when a ref comes or goes. */
static void
add_refs(struct signature *s, int dirfd, const char *name, int depth)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct stat st;

	if (d == NULL || depth > MAX_DEPTH || fstat(fd, &st) < 0) {
		s->unsure = true;
		return;
	}
	add_stat(s, name, &st);
	for (struct dirent *e; !s->unsure && (e = readdir(d)) != NULL;) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (++s->files > MAX_LOOSE_REFS ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			s->unsure = true;
		else if (S_ISDIR(st.st_mode))
			add_refs(s, fd, e->d_name, depth + 1);
		else
			add_stat(s, e->d_name, &st);
	}
}

/* The configuration files that count, each malloced; the system's last. */
static void
config_files(const struct git_repo *repo, struct strlist *out)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");

	strlist_add_take(out, path_join(repo->common_dir, "config"));
	strlist_add_take(out, path_join(repo->git_dir, "config.worktree"));
	if (home != NULL && *home != '\0')
		strlist_add_take(out, path_join(home, ".gitconfig"));
	if (xdg != NULL && *xdg != '\0')
		strlist_add_take(out, path_join(xdg, "git/config"));
	else if (home != NULL && *home != '\0')
		strlist_add_take(out, path_join(home, ".config/git/config"));
	strlist_add(out, "/etc/gitconfig");
}

static void
sign(const struct git_repo *repo, struct signature *s)
{
	cleanup_strlist struct strlist configs = STRLIST_INIT;
	cleanup_free char *refs = NULL;

	buf_printf(&s->text, "%s\n", repo->git_dir);
	add_file_in(s, repo->git_dir, "HEAD");
	add_file_in(s, repo->common_dir, "packed-refs");
	add_file_in(s, repo->common_dir, "shallow");
	config_files(repo, &configs);
	for (size_t i = 0; i < configs.count; i++)
		add_file(s, configs.items[i]);
	for (char **e = environ; *e != NULL; e++)
		if (str_starts(*e, "GIT_CONFIG"))
			buf_printf(&s->text, "%s\n", *e);
	refs = path_join(repo->common_dir, "refs");
	add_refs(s, AT_FDCWD, refs, 0);
}

void
git_repo_signature(const struct git_repo *repo, struct buf *out)
{
	struct signature s = { BUF_INIT, 0, 0, false };
	struct timespec now;

	sign(repo, &s);
	buf_add(out, s.text.data, s.text.len);
	buf_clear(&s.text);
	if (!s.unsure)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	buf_printf(out, "%jd.%09ld\n", (intmax_t)now.tv_sec, now.tv_nsec);
}

/* An included file is not in the signature. */
static bool
includes_others(const struct git_repo *repo)
{
	cleanup_strlist struct strlist configs = STRLIST_INIT;

	config_files(repo, &configs);
	for (size_t i = 0; i < configs.count; i++) {
		cleanup_buf struct buf text = BUF_INIT;
		struct error ignored = ERROR_INIT;

		if (access(configs.items[i], F_OK) == 0 &&
		    (buf_read_file(&text, configs.items[i], MAX_CONFIG, &ignored) < 0 ||
			strcasestr(buf_str(&text), "[include") != NULL))
			return true;
	}
	return false;
}

/* The strings of facts in file order; a NULL among them is kept as such. */
static size_t
slots(struct git_facts *f, char ***out)
{
	char **all[] = { &f->branch, &f->default_branch, &f->message, &f->author.name,
		&f->author.email, &f->committer.name, &f->committer.email, &f->remote_url,
		&f->user_name, &f->user_email };

	memcpy(out, all, sizeof(all));
	return ARRAY_LEN(all);
}
#define MAX_SLOTS 10

static void
add_field(struct buf *b, const char *value)
{
	buf_add_char(b, value == NULL ? '-' : '=');
	buf_add_str(b, value == NULL ? "" : value);
	buf_add_char(b, '\0');
}

static void
add_number(struct buf *b, int64_t n)
{
	buf_printf(b, "=%" PRId64, n);
	buf_add_char(b, '\0');
}

void
git_memo_write(
    const struct git_repo *repo, const char *path, const struct git_facts *facts)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct git_facts copy = *facts; /* for its addresses; nothing is changed */
	struct signature s = { BUF_INIT, 0, 0, false };
	struct error ignored = ERROR_INIT;
	char **all[MAX_SLOTS];
	size_t n = slots(&copy, all);
	struct timespec now;

	sign(repo, &s);
	clock_gettime(CLOCK_REALTIME, &now);
	if (!s.unsure && to_ns(&now) - s.newest_ns > SETTLED_NS &&
	    !includes_others(repo)) {
		add_field(&out, MAGIC);
		add_field(&out, buf_str(&s.text));
		add_field(&out, facts->sha);
		add_field(&out, facts->parent);
		add_field(&out, facts->pushed);
		for (size_t i = 0; i < n; i++)
			add_field(&out, *all[i]);
		add_number(&out, facts->author.time);
		add_number(&out, facts->author.offset_min);
		add_number(&out, facts->committer.time);
		add_number(&out, facts->committer.offset_min);
		add_number(&out, facts->shallow);
		for (size_t i = 0; i < facts->tags.count; i++)
			add_field(&out, facts->tags.items[i]);
		if (path_write_file(path, out.data, out.len, 0600, &ignored) < 0)
			unlink(path); /* the next time costs what this one did */
	}
	buf_clear(&s.text);
}

struct reader {
	const char *pos, *end;
	bool broken;
};

/* The next value, NULL for a NULL one. */
static const char *
next(struct reader *r)
{
	const char *start = r->pos;

	if (r->broken || start >= r->end || (*start != '=' && *start != '-')) {
		r->broken = true;
		return NULL;
	}
	r->pos = start + strlen(start) + 1;
	return *start == '=' ? start + 1 : NULL;
}

static bool
next_is(struct reader *r, const char *want)
{
	const char *value = next(r);

	return value != NULL && str_eq(value, want);
}

static int64_t
next_number(struct reader *r)
{
	const char *value = next(r);
	int64_t n = 0;

	if (value == NULL || !str_to_int64(value, &n))
		r->broken = true;
	return n;
}

static void
next_sha(struct reader *r, char sha[GIT_SHA_MAX])
{
	const char *value = next(r);

	if (value == NULL || strlen(value) >= GIT_SHA_MAX)
		r->broken = true;
	else
		memcpy(sha, value, strlen(value) + 1);
}

static bool
read_facts(struct reader *r, struct git_facts *f)
{
	char **all[MAX_SLOTS];
	size_t n = slots(f, all);

	next_sha(r, f->sha);
	next_sha(r, f->parent);
	next_sha(r, f->pushed);
	for (size_t i = 0; i < n; i++) {
		const char *value = next(r);

		*all[i] = value == NULL ? NULL : xstrdup(value);
	}
	f->author.time = next_number(r);
	f->author.offset_min = (int)next_number(r);
	f->committer.time = next_number(r);
	f->committer.offset_min = (int)next_number(r);
	f->shallow = next_number(r) != 0;
	while (!r->broken && r->pos < r->end) {
		const char *tag = next(r);

		if (tag != NULL)
			strlist_add(&f->tags, tag);
	}
	return !r->broken && f->message != NULL && f->author.name != NULL &&
	    f->author.email != NULL && f->committer.name != NULL &&
	    f->committer.email != NULL;
}

bool
git_memo_read(const struct git_repo *repo, const char *path, struct git_facts *out)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct git_facts facts = GIT_FACTS_INIT;
	struct signature s = { BUF_INIT, 0, 0, false };
	struct error ignored = ERROR_INIT;
	struct reader r = { NULL, NULL, false };
	bool good = false;

	if (buf_read_file(&text, path, MAX_MEMO, &ignored) < 0)
		return false;
	r.pos = buf_str(&text);
	r.end = r.pos + text.len;
	if (next_is(&r, MAGIC)) {
		sign(repo, &s);
		good =
		    !s.unsure && next_is(&r, buf_str(&s.text)) && read_facts(&r, &facts);
	}
	buf_clear(&s.text);
	if (good)
		*out = facts;
	else
		git_facts_clear(&facts);
	return good;
}
