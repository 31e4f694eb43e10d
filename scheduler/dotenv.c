/* Dotenv reports, line by line. */
#include "scheduler/dotenv.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"

#define KEY_MAX 255

struct parser {
	struct arena *arena;
	unsigned line;
	struct var *items;
	size_t count, cap;
	struct map by_key; /* index + 1 */
	struct error *err;
};

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks at both ends do not count. */
static void
trim(const char **start, const char **end)
{
	while (*start < *end && is_space(**start))
		(*start)++;
	while (*end > *start && is_space((*end)[-1]))
		(*end)--;
}

static bool
is_key(const char *key, size_t len)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

	return len > 0 && len <= KEY_MAX && strspn(key, allowed) >= len;
}

/* The text with what is no UTF-8 replaced, as GitLab stores it. */
static const char *
valid_text(struct arena *a, const char *text, size_t len)
{
	cleanup_buf struct buf out = BUF_INIT;
	size_t good;

	while ((good = str_utf8_valid(text, len)) < len) {
		buf_add(&out, text, good);
		buf_add_str(&out, "\xef\xbf\xbd");
		text += good + 1;
		len -= good + 1;
	}
	buf_add(&out, text, len);
	return arena_strndup(a, buf_str(&out), out.len);
}

static void
store(struct parser *p, const char *key, const char *value)
{
	size_t at = (size_t)(uintptr_t)map_get(&p->by_key, key);

	if (at == 0) {
		ARENA_GROW(p->arena, p->items, p->count, p->cap);
		at = ++p->count;
		map_set(&p->by_key, key, (void *)(uintptr_t)at);
	}
	p->items[at - 1] =
	    (struct var){ .name = key, .value = value, .level = VAR_DOTENV };
}

static int
parse_line(struct parser *p, const char *start, const char *end)
{
	const char *equals = memchr(start, '=', (size_t)(end - start));
	const char *key_end = equals, *value = equals == NULL ? NULL : equals + 1;

	if (equals == NULL || memchr(start, '\0', (size_t)(end - start)) != NULL)
		return error_set(p->err, ERR_INVALID,
		    "line %u: invalid format: every line of a dotenv report is KEY=VALUE, "
		    "without comments and blank lines",
		    p->line);
	trim(&start, &key_end);
	trim(&value, &end);
	if (!is_key(start, (size_t)(key_end - start)))
		return error_set(p->err, ERR_INVALID,
		    "line %u: the key \"%.*s\" can contain only letters, digits and '_'",
		    p->line, (int)(key_end - start > 60 ? 60 : key_end - start), start);
	store(p, arena_strndup(p->arena, start, (size_t)(key_end - start)),
	    valid_text(p->arena, value, (size_t)(end - value)));
	return 0;
}

static int
parse_lines(struct parser *p, const char *text, size_t len)
{
	const char *end = text + len;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
		text += 3;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline == NULL ? end : newline;

		p->line++;
		if (parse_line(p, text, stop) < 0)
			return ERR_INVALID;
		text = newline == NULL ? end : newline + 1;
	}
	return 0;
}

int
dotenv_parse(const char *text, size_t len, struct arena *arena, struct var **out,
    size_t *count, struct error *err)
{
	struct parser p = { .arena = arena, .by_key = MAP_INIT, .err = err };
	int rc;

	if (len >= DOTENV_MAX_BYTES)
		return error_set(err, ERR_LIMIT,
		    "a dotenv report has to be smaller than %d bytes, this one has %zu",
		    DOTENV_MAX_BYTES, len);
	rc = parse_lines(&p, text, len);
	map_clear(&p.by_key);
	if (rc < 0)
		return rc;
	if (p.count > DOTENV_MAX_VARIABLES)
		return error_set(err, ERR_LIMIT,
		    "a dotenv report cannot have more than %d variables, this one has %zu",
		    DOTENV_MAX_VARIABLES, p.count);
	*out = p.items;
	*count = p.count;
	return 0;
}
