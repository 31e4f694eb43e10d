/* The first lines of a trace. */
#include "runner/build_words.h"

#include <fcntl.h>

#include "base/path.h"
#include "runner/source_settings.h"

#define MASK "[MASKED]"

void
build_words_init(struct build_words *w, const struct job_payload *job)
{
	*w = (struct build_words){ .job = job, .fd = -1 };
}

void
build_words_close(struct build_words *w)
{
	cleanup_close_fd(&w->fd);
	w->fd = -1;
}

static void
write_out(struct build_words *w, const char *text, size_t len)
{
	if (len > 0 && path_write_fd(w->fd, text, len) == 0)
		atomic_fetch_add(&w->bytes, len);
}

/* The length of the longest secret text begins with; 0: it begins with none. */
static size_t
secret_at(const struct build_words *w, const char *text)
{
	size_t longest = 0;

	for (size_t i = 0; i < w->job->variable_count; i++) {
		const struct job_variable *v = &w->job->variables[i];
		size_t len = v->masked && v->value != NULL ? strlen(v->value) : 0;

		if (len > longest && strncmp(text, v->value, len) == 0)
			longest = len;
	}
	return longest;
}

void
build_words_say(struct build_words *w, const char *line)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (w->fd < 0) {
		w->fd = open(
		    w->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
		if (w->fd >= 0 && w->preface != NULL)
			write_out(w, w->preface, strlen(w->preface));
	}
	if (w->fd < 0)
		return;
	while (*line != '\0') {
		size_t len = secret_at(w, line);

		if (len > 0)
			buf_add_str(&text, MASK);
		else
			buf_add_char(&text, *line);
		line += len > 0 ? len : 1;
	}
	buf_add_char(&text, '\n');
	write_out(w, text.data, text.len);
}

void
build_words_of_absent(
    const struct job_payload *job, const struct snapshot *snapshot, struct buf *out)
{
	cleanup_source_settings struct source_settings s = { .attempts = 1 };
	struct error ignored = ERROR_INIT;
	const struct strlist *absent;

	if (snapshot == NULL || source_settings_read(job, &s, NULL, &ignored) < 0 ||
	    !s.submodules)
		return;
	absent = snapshot_absent(snapshot);
	for (size_t i = 0; i < absent->count; i++)
		buf_printf(out,
		    "WARNING: the submodule %s is not checked out in your work tree, so it "
		    "is empty here (git submodule update --init)\n",
		    absent->items[i]);
}

bool
build_words_begun(const struct build_words *w)
{
	return w->fd >= 0;
}
