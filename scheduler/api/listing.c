/* Reading on a worker, answering on the loop. */
#include "scheduler/api/listing.h"

#include "base/str.h"
#include "scheduler/registry_internal.h"
#include "scheduler/service_internal.h"

#define PER_PAGE 20
#define MAX_PER_PAGE 100

struct running {
	struct reading r; /* first: it is what the function gets */
	int (*fn)(struct store_view *v, struct reading *r, struct error *err);
};

static int64_t
number(struct call *c, const char *name, int64_t fallback, int64_t max)
{
	const char *text = http_query(c->request, name);
	int64_t n;

	if (text == NULL || !str_to_int64(text, &n) || n < 1)
		return fallback;
	return n < max ? n : max;
}

struct reading *
reading_new(struct call *c, bool is_list)
{
	struct arena *arena = arena_new();
	struct running *run = arena_alloc(arena, sizeof(*run));
	struct reading *r = &run->r;

	r->call = c;
	r->arena = arena;
	r->status = 200;
	r->is_list = is_list;
	r->writer = (struct json_writer)JSON_WRITER_INIT(&r->body);
	if (is_list) {
		r->page_number = number(c, "page", 1, INT32_MAX);
		r->per_page = number(c, "per_page", PER_PAGE, MAX_PER_PAGE);
		r->page.limit = r->per_page;
		r->page.offset = (r->page_number - 1) * r->per_page;
		r->page.want_total = true;
	}
	return r;
}

struct reading *
reading_of_project(struct call *c, const struct project *p, bool is_list)
{
	struct reading *r = reading_new(c, is_list);

	r->project = registry_copy_project(r->arena, &p->row);
	r->text = service_server_url(c->service);
	return r;
}

static int
on_worker(struct store_view *v, void *data, struct error *err)
{
	struct running *run = data;

	return run->fn(v, &run->r, err);
}

static void
add_parameter(const char *name, const char *value, void *data)
{
	static const char *const ours[] = { "page", "per_page", "private_token" };
	struct buf *out = data;

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (str_eq(name, ours[i]))
			return;
	buf_add_char(out, '&');
	buf_add_url_encoded(out, name);
	buf_add_char(out, '=');
	buf_add_url_encoded(out, value);
}

/* The same request for another page. */
static void
add_link(struct reading *r, const char *rel, int64_t page, struct buf *out)
{
	struct call *c = r->call;
	cleanup_free char *path = xstrdup(http_path(c->request));

	buf_printf(out, "%s<%s%s?page=%" PRId64 "&per_page=%" PRId64,
	    out->len > 0 ? ", " : "", service_server_url(c->service), path, page,
	    r->per_page);
	http_each_query(c->request, add_parameter, out);
	buf_printf(out, ">; rel=\"%s\"", rel);
}

static void
put_links(struct reading *r, int64_t pages)
{
	cleanup_buf struct buf links = BUF_INIT;

	if (r->page_number > 1)
		add_link(r, "prev", r->page_number - 1, &links);
	if (r->page_number < pages)
		add_link(r, "next", r->page_number + 1, &links);
	add_link(r, "first", 1, &links);
	add_link(r, "last", pages, &links);
	api_header(r->call, "Link", "%s", buf_str(&links));
}

static void
put_page_headers(struct reading *r)
{
	struct call *c = r->call;
	int64_t total = r->page.total, pages = (total + r->per_page - 1) / r->per_page;

	if (pages == 0)
		pages = 1;
	api_header(c, "X-Page", "%" PRId64, r->page_number);
	api_header(c, "X-Per-Page", "%" PRId64, r->per_page);
	api_header(c, "X-Total", "%" PRId64, total);
	api_header(c, "X-Total-Pages", "%" PRId64, pages);
	/* at an end there is no such page, and no header: one without a value is none */
	if (r->page_number < pages)
		api_header(c, "X-Next-Page", "%" PRId64, r->page_number + 1);
	if (r->page_number > 1)
		api_header(c, "X-Prev-Page", "%" PRId64, r->page_number - 1);
	put_links(r, pages);
}

static void
on_read(void *data, const struct error *err)
{
	struct running *run = data;
	struct reading *r = &run->r;
	struct call *c = r->call;

	if (err->code == ERR_MISSING) {
		api_error(c, 404, "404 Not Found");
	} else if (err->code != 0) {
		api_fail(c, err);
	} else {
		if (r->is_list)
			put_page_headers(r);
		api_json(c, r->status, &r->body);
	}
	buf_clear(&r->body);
	arena_free(r->arena);
	api_let_go(c);
}

void
reading_start(struct reading *r,
    int (*fn)(struct store_view *v, struct reading *r, struct error *err))
{
	struct running *run = (struct running *)r;

	run->fn = fn;
	api_hold(r->call);
	store_read(service_store(r->call->service), on_worker, on_read, run);
}
