/* One change after the other, each in the text as it is by then. */
#include "runner/settings_edit.h"

#include <stdio.h>

#include "base/str.h"
#include "pipelines/document.h"

struct edit {
	struct arena *arena;
	struct buf text;
	const char *file;
};

static const struct node *
parse(struct edit *e)
{
	struct diags diags;
	struct node **documents = NULL;
	size_t count = 0;

	diags_init(&diags, e->arena);
	if (yaml_parse(buf_str(&e->text), e->text.len, e->file, e->arena, &diags,
		&documents, &count) < 0)
		return NULL;
	return count == 0 ? NULL : documents[0];
}

/* Where line begins, from 1; beyond the last one: the end. */
static size_t
line_start(const struct edit *e, unsigned line)
{
	const char *text = buf_str(&e->text), *at = text;

	while (line > 1 && *at != '\0') {
		at += strcspn(at, "\n");
		at += *at == '\n';
		line--;
	}
	return (size_t)(at - text);
}

/* Lines from first up to but not with end give way to words. */
static void
replace_lines(struct edit *e, unsigned first, unsigned end, const char *words)
{
	size_t from = line_start(e, first), to = line_start(e, end);
	struct buf out = BUF_INIT;

	buf_add(&out, buf_str(&e->text), from);
	buf_add_str(&out, words);
	buf_add_str(&out, buf_str(&e->text) + to);
	buf_clear(&e->text);
	e->text = out;
}

/* As it is where that is safe, else in quotes. malloced. */
static char *
quoted(const char *value)
{
	struct buf out = BUF_INIT;

	if (value[strspn(value,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_./-")] == '\0')
		return xstrdup(value);
	buf_add_char(&out, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_add_char(&out, '\\');
		buf_add_char(&out, *value);
	}
	buf_add_char(&out, '"');
	return buf_take(&out);
}

static void
set_key(struct edit *e, const char *key, const char *value)
{
	const struct node *root = parse(e);
	const struct node_pair *pair = root == NULL ? NULL : node_get_pair(root, key);
	cleanup_free char *line = NULL, *text = NULL;

	if (value == NULL)
		return;
	text = quoted(value);
	line = xasprintf("%s: %s\n", key, text);
	if (pair == NULL)
		replace_lines(e, 1, 1, line);
	else if (!node_is_scalar(pair->value) || !str_eq(pair->value->text, value))
		replace_lines(e, pair->key_mark.line, pair->key_mark.line + 1, line);
}

/* The server as the file has it, as deep as its neighbours. */
static char *
entry_at(const struct edit *e, const struct runner_server *server, unsigned beside)
{
	const char *line = buf_str(&e->text) + line_start(e, beside);
	int depth = beside == 0 ? 2 : (int)strspn(line, " ");
	cleanup_buf struct buf plain = BUF_INIT;
	struct buf out = BUF_INIT;

	settings_write_server(server, &plain);
	for (const char *at = buf_str(&plain); *at != '\0';) {
		size_t len = strcspn(at, "\n") + 1;

		buf_printf(&out, "%*s%.*s", depth, "", (int)len - 2, at + 2);
		at += len;
	}
	return buf_take(&out);
}

static bool
is_of(const struct node *server, const char *url)
{
	const struct node *n = node_get(server, "url");
	size_t len = strlen(url);

	return n != NULL && node_is_scalar(n) && strncmp(n->text, url, len) == 0 &&
	    strspn(n->text + len, "/") == strlen(n->text + len);
}

static unsigned
last_line(const struct node *map)
{
	unsigned last = map->mark.line;

	for (size_t i = 0; i < map->count; i++)
		if (map->pairs[i].value->mark.line > last)
			last = map->pairs[i].value->mark.line;
	return last;
}

static void
put_server(struct edit *e, struct settings_change *change)
{
	const struct node *root = parse(e);
	const struct node_pair *pair =
	    root == NULL ? NULL : node_get_pair(root, "servers");
	const struct node *list = pair == NULL ? NULL : pair->value;
	cleanup_free char *entry = NULL;

	if (pair == NULL)
		buf_add_str(&e->text, "servers:\n");
	if (pair == NULL || !node_is(list, NODE_LIST) || list->count == 0) {
		unsigned after = pair == NULL ? UINT32_MAX : pair->key_mark.line + 1;

		entry = entry_at(e, change->server, 0);
		replace_lines(e, after, after, entry);
		return;
	}
	entry = entry_at(e, change->server, list->items[0]->mark.line);
	for (size_t i = 0; i < list->count; i++) {
		const struct node *item = list->items[i];

		if (!node_is(item, NODE_MAP) || !is_of(item, change->server->url))
			continue;
		change->replaced_line = item->mark.line;
		replace_lines(e, item->mark.line, last_line(item) + 1, entry);
		return;
	}
	replace_lines(e, list->items[0]->mark.line, list->items[0]->mark.line, entry);
}

/* Is the server in it now, as it was to be? */
static int
check(struct edit *e, const struct runner_server *want, struct error *err)
{
	struct runner_settings got = { .arena = e->arena };
	struct diags diags;

	diags_init(&diags, e->arena);
	settings_read(buf_str(&e->text), e->text.len, e->file, &got, &diags);
	for (size_t i = 0; diags.errors == 0 && i < got.server_count; i++) {
		const struct runner_server *s = &got.servers[i];

		if (str_eq(s->url, want->url) &&
		    (want->token == NULL) == (s->token == NULL) &&
		    (want->token == NULL || str_eq(s->token, want->token)))
			return 0;
	}
	return error_set(err, ERR_INVALID,
	    "%s is written so that it cannot be changed line by line; put the server there "
	    "by hand, as an item of `servers:` with its url and token",
	    e->file);
}

int
settings_edit(
    struct buf *text, const char *file, struct settings_change *change, struct error *err)
{
	const struct runner_settings *said = change->said;
	cleanup_arena struct arena *arena = arena_new();
	struct edit e = { .arena = arena, .text = BUF_INIT, .file = file };
	char number[24];

	change->replaced_line = 0;
	buf_add(&e.text, buf_str(text), text->len);
	if (e.text.len > 0 && e.text.data[e.text.len - 1] != '\n')
		buf_add_char(&e.text, '\n');
	put_server(&e, change);
	(void)snprintf(number, sizeof(number), "%" PRId64, said->concurrent);
	set_key(&e, "log_format", said->log_format);
	set_key(&e, "executor", said->executor);
	set_key(&e, "state", said->state_dir);
	set_key(&e, "name", said->name);
	set_key(&e, "concurrent", said->concurrent > 0 ? number : NULL);
	if (check(&e, change->server, err) < 0) {
		buf_clear(&e.text);
		return err->code;
	}
	buf_clear(text);
	*text = e.text;
	return 0;
}
