/* Reading on a worker, answering on the loop. */
#include "scheduler/api/listing.h"

#include <strings.h>

#include "base/iso_time.h"
#include "base/str.h"
#include "scheduler/registry_internal.h"
#include "scheduler/service_internal.h"

#define PER_PAGE 20
#define MAX_PER_PAGE 100

struct running {
	struct reading r; /* first: it is what the function gets */
	int (*fn)(struct store_view *v, struct reading *r, struct error *err);
};

static bool
is_number(const char *text)
{
	size_t sign = *text == '-' ? 1 : 0, digits = strspn(text + sign, "0123456789");

	return digits > 0 && text[sign + digits] == '\0';
}

/* What is no number is refused when the reading begins. */
static int64_t
number(struct reading *r, const char *name, int64_t fallback, int64_t max)
{
	const char *text = http_query(r->call->request, name);
	int64_t n;

	if (text == NULL || *text == '\0')
		return fallback;
	if (!is_number(text)) {
		if (r->invalid == NULL)
			r->invalid = name;
		return fallback;
	}
	if (!str_to_int64(text, &n))
		return *text == '-' ? fallback : max;
	if (n < 1)
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
		r->page_number = number(r, "page", 1, INT32_MAX);
		r->per_page = number(r, "per_page", PER_PAGE, MAX_PER_PAGE);
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

struct reading *
reading_of_member(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct reading *r;
	int64_t id;

	if (p == NULL || !api_id(c, 1, &id))
		return NULL;
	r = reading_of_project(c, p, false);
	r->id = id;
	return r;
}

void
reading_by_keyset(struct reading *r)
{
	const char *cursor = http_query(r->call->request, "cursor");
	const char *pagination = http_query(r->call->request, "pagination");

	if (pagination == NULL || !str_eq(pagination, "keyset"))
		return;
	r->is_keyset = true;
	r->page.offset = 0;
	r->page.want_total = false;
	if (cursor != NULL && str_to_int64(cursor, &r->page.beyond_id) &&
	    r->page.beyond_id < 0)
		r->page.beyond_id = 0;
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
	static const char *const ours[] = { "page", "per_page", "private_token",
		"cursor" };
	struct buf *out = data;

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (str_eq(name, ours[i]))
			return;
	buf_add_char(out, '&');
	buf_add_url_encoded(out, name);
	buf_add_char(out, '=');
	buf_add_url_encoded(out, value);
}

/* The same request for another page: "page=3", "cursor=117". */
static void
add_link(
    struct reading *r, const char *rel, const char *which, int64_t value, struct buf *out)
{
	struct call *c = r->call;
	cleanup_free char *path = xstrdup(http_path(c->request));

	buf_printf(out, "%s<%s%s?%s=%" PRId64 "&per_page=%" PRId64,
	    out->len > 0 ? ", " : "", service_server_url(c->service), path, which, value,
	    r->per_page);
	http_each_query(c->request, add_parameter, out);
	buf_printf(out, ">; rel=\"%s\"", rel);
}

/* pages 0: how many there are is not known. */
static void
put_links(struct reading *r, int64_t pages, bool more)
{
	cleanup_buf struct buf links = BUF_INIT;

	if (r->page_number > 1)
		add_link(r, "prev", "page", r->page_number - 1, &links);
	if (more)
		add_link(r, "next", "page", r->page_number + 1, &links);
	add_link(r, "first", "page", 1, &links);
	if (pages > 0)
		add_link(r, "last", "page", pages, &links);
	api_header(r->call, "Link", "%s", buf_str(&links));
}

/* As GitLab does, a total that is not known is left out. */
static int64_t
put_totals(struct reading *r)
{
	struct call *c = r->call;
	int64_t total = r->page.total, pages = (total + r->per_page - 1) / r->per_page;

	if (total < 0)
		return 0;
	if (pages == 0)
		pages = 1;
	api_header(c, "X-Total", "%" PRId64, total);
	api_header(c, "X-Total-Pages", "%" PRId64, pages);
	return pages;
}

static void
put_page_headers(struct reading *r)
{
	struct call *c = r->call;
	int64_t pages = put_totals(r);
	bool more = pages > 0 ? r->page_number < pages : r->page.given == r->page.limit;

	api_header(c, "X-Page", "%" PRId64, r->page_number);
	api_header(c, "X-Per-Page", "%" PRId64, r->per_page);
	/* at an end there is no such page, and no header: one without a value is none */
	if (more)
		api_header(c, "X-Next-Page", "%" PRId64, r->page_number + 1);
	if (r->page_number > 1)
		api_header(c, "X-Prev-Page", "%" PRId64, r->page_number - 1);
	put_links(r, pages, more);
}

static void
put_keyset_headers(struct reading *r)
{
	cleanup_buf struct buf links = BUF_INIT;

	api_header(r->call, "X-Per-Page", "%" PRId64, r->per_page);
	if (r->page.given < r->page.limit)
		return;
	add_link(r, "next", "cursor", r->last_id, &links);
	api_header(r->call, "Link", "%s", buf_str(&links));
}

static void
on_read(void *data, const struct error *err)
{
	struct running *run = data;
	struct reading *r = &run->r;
	struct call *c = r->call;

	if (c->is_gone) {
		; /* nobody is left to hear it: what was asked is gone, too */
	} else if (r->invalid != NULL) {
		api_refuse(c, "%s is invalid", r->invalid);
	} else if (err->code == ERR_MISSING) {
		api_error(c, 404, "404 Not Found");
	} else if (err->code != 0) {
		api_fail(c, err);
	} else {
		if (r->finish != NULL)
			r->finish(r);
		if (r->is_keyset)
			put_keyset_headers(r);
		else if (r->is_list)
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

	if (r->invalid != NULL) {
		reading_answer(r);
		return;
	}
	run->fn = fn;
	api_hold(r->call);
	store_read(service_store(r->call->service), on_worker, on_read, run);
}

void
reading_answer(struct reading *r)
{
	const struct error none = ERROR_INIT;

	api_hold(r->call);
	on_read((struct running *)r, &none);
}

bool
reading_takes(struct reading *r)
{
	int64_t at = r->page.total++;

	return at >= r->page.offset && at < r->page.offset + r->page.limit;
}

/* ---- what a list is asked for -------------------------------------------------------
 */

const char *
query_text(struct call *c, const char *name)
{
	const char *text = http_query(c->request, name);

	return text == NULL || *text == '\0' ? NULL : arena_strdup(c->arena, text);
}

bool
query_word(
    struct call *c, const char *name, const char *const *words, size_t count, size_t *out)
{
	const char *text = query_text(c, name);

	if (text == NULL)
		return true;
	for (size_t i = 0; i < count; i++)
		if (str_eq(text, words[i])) {
			*out = i;
			return true;
		}
	api_refuse(c, "%s does not have a valid value", name);
	return false;
}

static bool
refuse_keyset(struct call *c)
{
	static const struct json_field fields[] = {
		{ .key = "error", .kind = JSON_KIND_STRING },
		{ NULL },
	};
	static const struct json_shape shape = { fields, sizeof(const char *) };
	const char *const said =
	    "Keyset pagination is not yet available for this type of request";

	api_shape(c, 405, &shape, &said);
	return false;
}

bool
query_order(
    struct call *c, const char *const *words, size_t count, size_t *out, bool *ascending)
{
	static const char *const ways[] = { "desc", "asc" };
	const char *pagination = query_text(c, "pagination");
	size_t way = *ascending ? 1 : 0;

	if (!query_word(c, "order_by", words, count, out) ||
	    !query_word(c, "sort", ways, ARRAY_LEN(ways), &way))
		return false;
	*ascending = way == 1;
	if (pagination != NULL && str_eq(pagination, "keyset") && *out != 0)
		return refuse_keyset(c);
	return true;
}

bool
query_time(struct call *c, const char *name, int64_t *us)
{
	const char *text = query_text(c, name);

	if (text == NULL || iso_time_read(text, us))
		return true;
	api_refuse(c, "%s is invalid", name);
	return false;
}

bool
query_bool(struct call *c, const char *name, bool *is_true, bool *is_false)
{
	const char *text = query_text(c, name);

	if (text == NULL)
		return true;
	*is_true = strcasecmp(text, "true") == 0 || str_eq(text, "1");
	*is_false = strcasecmp(text, "false") == 0 || str_eq(text, "0");
	if (*is_true || *is_false)
		return true;
	api_refuse(c, "%s is invalid", name);
	return false;
}

bool
query_id(struct call *c, const char *name, int64_t *out)
{
	const char *text = query_text(c, name);

	if (text == NULL || (str_to_int64(text, out) && *out >= 0))
		return true;
	api_refuse(c, "%s is invalid", name);
	return false;
}
