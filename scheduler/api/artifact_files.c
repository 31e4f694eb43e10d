/*
 * Files of artifacts as people look at them: what lies in a folder of an archive, and how
 * one file is sent so that a browser may show it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/archive.h"
#include "base/map.h"
#include "base/path.h"
#include "base/str.h"
#include "scheduler/api/jobs.h"
#include "scheduler/api/listing.h"
#include "scheduler/artifact_store.h"
#include "scheduler/service_internal.h"

#define MAX_SHOWN 10000 /* files and folders of one folder */

/* ---- a folder --------------------------------------------------------------------- */

struct item {
	const char *name;
	bool is_folder, is_link;
	unsigned mode;
	int64_t size, files; /* of a folder: of all that is below it */
};

struct folder {
	struct arena *arena;
	const char *path; /* tidied up; "" is the archive itself */
	struct item **items;
	size_t count, cap;
	struct map by_name;
	int64_t size, files;
	bool is_there, is_cut;
	struct item *file; /* path names no folder but this */
};

/* What path has after folder: "" for folder itself, NULL for what is elsewhere. */
static const char *
below(const char *path, const char *folder)
{
	const size_t len = strlen(folder);

	if (len == 0)
		return path;
	if (!str_starts(path, folder))
		return NULL;
	return path[len] == '\0' ? "" : path[len] == '/' ? path + len + 1 : NULL;
}

static struct item *
item_of(struct folder *f, const char *rest)
{
	cleanup_free char *name = xstrndup(rest, strcspn(rest, "/"));
	struct item *it = map_get(&f->by_name, name);

	if (it != NULL)
		return it;
	if (f->count == MAX_SHOWN) {
		f->is_cut = true;
		return NULL;
	}
	it = arena_calloc(f->arena, 1, sizeof(*it));
	it->name = arena_strdup(f->arena, name);
	it->mode = 0755; /* of a folder that only its files tell of */
	ARENA_GROW(f->arena, f->items, f->count, f->cap);
	f->items[f->count++] = it;
	map_set(&f->by_name, name, it);
	return it;
}

static void
describe(struct item *it, const struct archive_listed *e)
{
	it->is_folder = e->is_folder;
	it->is_link = e->is_link;
	it->mode = e->mode;
}

static bool
add_entry(const struct archive_listed *e, void *data)
{
	struct folder *f = data;
	const char *rest = below(e->path, f->path);
	struct item *it;

	if (rest == NULL)
		return true;
	f->is_there = true;
	if (*rest == '\0' && !e->is_folder) {
		f->file = arena_calloc(f->arena, 1, sizeof(*f->file));
		describe(f->file, e);
		f->file->size = e->size;
		return false;
	}
	f->size += e->size;
	f->files += e->is_folder ? 0 : 1;
	it = *rest == '\0' ? NULL : item_of(f, rest);
	if (it == NULL)
		return true;
	if (strchr(rest, '/') == NULL)
		describe(it, e);
	else
		it->is_folder = true;
	it->size += e->size;
	it->files += e->is_folder ? 0 : 1;
	return true;
}

static int
by_kind_and_name(const void *a, const void *b)
{
	const struct item *const *x = a, *const *y = b;

	if ((*x)->is_folder != (*y)->is_folder)
		return (*x)->is_folder ? -1 : 1;
	return strcmp((*x)->name, (*y)->name);
}

static void
put_item(struct json_writer *w, const struct item *it)
{
	char mode[8];

	(void)snprintf(mode, sizeof(mode), "%03o", it->mode & 0777U);
	json_put_string(w, "type",
	    it->is_folder     ? "folder"
		: it->is_link ? "link"
			      : "file");
	json_put_int(w, "size", it->size);
	json_put_string(w, "mode", mode);
	if (it->is_folder)
		json_put_int(w, "files", it->files);
}

static void
put_folder(struct json_writer *w, struct folder *f)
{
	const struct item whole = {
		.is_folder = true, .mode = 0755, .size = f->size, .files = f->files
	};

	json_begin_object(w);
	json_put_string(w, "path", f->path);
	put_item(w, f->file != NULL ? f->file : &whole);
	if (f->file == NULL) {
		json_put_bool(w, "cut", f->is_cut);
		json_key(w, "entries");
		json_begin_array(w);
		for (size_t i = 0; i < f->count; i++) {
			json_begin_object(w);
			json_put_string(w, "name", f->items[i]->name);
			put_item(w, f->items[i]);
			json_end_object(w);
		}
		json_end_array(w);
	}
	json_end_object(w);
}

struct place {
	const char *dir;  /* of all artifacts */
	const char *path; /* NULL: it leads out of the archive */
};

static int
list_folder(
    const struct place *at, struct reading *r, struct folder *f, struct error *err)
{
	cleanup_close int fd = -1;
	int64_t size;

	if (artifact_store_open(at->dir, r->id, "archive", &fd, &size, err) < 0 ||
	    archive_list(fd, add_entry, f, err) < 0)
		return err->code;
	if (!f->is_there && *f->path != '\0')
		return error_set(err, ERR_MISSING, "%s is not in the archive", f->path);
	if (f->count > 0)
		qsort(f->items, f->count, sizeof(struct item *), by_kind_and_name);
	return 0;
}

static int
read_folder(struct store_view *v, struct reading *r, struct error *err)
{
	const struct place *at = r->data;
	struct store_job job;
	struct folder f = { .arena = r->arena, .path = at->path, .by_name = MAP_INIT };
	int rc;

	if (store_get_job(v, r->id, r->arena, &job, err) < 0)
		return err->code;
	if (job.project != r->project.id || at->path == NULL)
		return error_set(err, ERR_MISSING, "404 Not Found");
	rc = list_folder(at, r, &f, err);
	if (rc == 0)
		put_folder(&r->writer, &f);
	map_clear(&f.by_name);
	return rc;
}

static void
get_files(struct call *c)
{
	const char *path = query_text(c, "path");
	cleanup_free char *clean = path_clean(path == NULL ? "" : path);
	struct reading *r = reading_of_member(c);
	struct place *at;

	if (r == NULL)
		return;
	at = arena_calloc(r->arena, 1, sizeof(*at));
	at->dir = service_artifacts_dir(c->service);
	if (clean != NULL)
		at->path = str_eq(clean, ".") ? "" : arena_strdup(r->arena, clean);
	r->data = at;
	reading_start(r, read_folder);
}

/* ---- one file --------------------------------------------------------------------- */

/* Made by anybody who can push: it runs nothing, sends nothing and asks for nothing but
 * its own pictures and styles. It is let keep its origin for those alone, since a browser
 * without it would ask for them as a stranger. */
static const char policy[] =
    "sandbox allow-same-origin; default-src 'none'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; media-src 'self' data:; "
    "frame-src 'self'; frame-ancestors 'self'; form-action 'none'; base-uri 'none'";

static const struct {
	const char *end, *type;
} types[] = {
	{ ".html", "text/html" },
	{ ".htm", "text/html" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".log", "text/plain; charset=utf-8" },
	{ ".md", "text/plain; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" },
	{ ".gif", "image/gif" },
	{ ".webp", "image/webp" },
	{ ".woff2", "font/woff2" },
};

void
send_artifact_file(struct call *c, const char *path, const struct buf *text)
{
	const char *type = "application/octet-stream";

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_ends(path, types[i].end))
			type = types[i].type;
	api_header(c, "Content-Security-Policy", "%s", policy);
	api_header(c, "X-Content-Type-Options", "nosniff");
	api_header(c, "Cross-Origin-Resource-Policy", "same-origin");
	api_reply(c, 200, type, buf_str(text), text->len);
}

const struct api_route api_artifact_file_routes[] = {
	{ "GET", "/api/pawl/v1/projects/:id/jobs/:job/files", API_READ, get_files },
	{ NULL },
};
