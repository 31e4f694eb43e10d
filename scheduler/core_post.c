/* Posts and buckets: where queued jobs and waiting runners meet. */
#include "scheduler/core_internal.h"

static struct post *
get_post(struct core *core, const char *key)
{
	struct post *post = map_get(&core->posts, key);

	if (post == NULL) {
		post = xcalloc(1, sizeof(*post));
		post->key = xstrdup(key);
		map_set(&core->posts, key, post);
	}
	post->refs++;
	return post;
}

struct post *
core_post(struct core *core, const struct core_scope *scope, const struct tag *tag)
{
	cleanup_buf struct buf key = BUF_INIT;

	buf_printf(&key, "%d %" PRId64 "%s%s", (int)scope->kind,
	    scope->kind == CORE_SCOPE_ALL ? 0 : scope->id, tag == NULL ? "" : " ",
	    tag == NULL ? "" : tag->name);
	return get_post(core, buf_str(&key));
}

struct post *
core_post_of_all(struct core *core)
{
	return get_post(core, "all");
}

void
core_release_post(struct core *core, struct post *post)
{
	if (--post->refs > 0)
		return;
	map_remove(&core->posts, post->key);
	free(post->key);
	free(post);
}

static int
compare_berths(const struct ranked_node *a, const struct ranked_node *b)
{
	return core_compare_lanes(ranked_of(a, struct berth, node)->lane,
	    ranked_of(b, struct berth, node)->lane);
}

struct bucket *
core_bucket(struct core *core, struct post *post, const struct lane *lane)
{
	cleanup_buf struct buf key = BUF_INIT;
	struct bucket *bucket;

	buf_printf(&key, "%s/%d/", post->key, lane->is_protected);
	for (size_t i = 0; i < lane->tags.count; i++)
		buf_printf(&key, "%zu:%s", strlen(lane->tags.items[i]->name),
		    lane->tags.items[i]->name);
	bucket = map_get(&core->buckets, buf_str(&key));
	if (bucket == NULL) {
		bucket = xcalloc(1, sizeof(*bucket));
		bucket->key = buf_take(&key);
		bucket->post = post;
		bucket->is_protected = lane->is_protected;
		bucket->lanes = (struct ranked)RANKED_INIT(compare_berths);
		map_set(&core->buckets, bucket->key, bucket);
		post->refs++;
	}
	bucket->refs++;
	return bucket;
}

void
core_release_bucket(struct core *core, struct bucket *bucket)
{
	if (--bucket->refs > 0)
		return;
	core_release_post(core, bucket->post);
	map_remove(&core->buckets, bucket->key);
	free(bucket->key);
	free(bucket);
}

void
core_berth_enter(struct berth *berth)
{
	struct bucket *bucket = berth->bucket;
	struct bucket **list = &bucket->post->buckets[bucket->is_protected];

	if (ranked_count(&bucket->lanes) == 0) {
		bucket->prev = NULL;
		bucket->next = *list;
		if (bucket->next != NULL)
			bucket->next->prev = bucket;
		*list = bucket;
	}
	ranked_insert(&bucket->lanes, &berth->node);
}

void
core_berth_leave(struct berth *berth)
{
	struct bucket *bucket = berth->bucket;

	ranked_remove(&bucket->lanes, &berth->node);
	if (ranked_count(&bucket->lanes) > 0)
		return;
	if (bucket->next != NULL)
		bucket->next->prev = bucket->prev;
	if (bucket->prev != NULL)
		bucket->prev->next = bucket->next;
	else
		bucket->post->buckets[bucket->is_protected] = bucket->next;
}

/* Runners sit in the order of their arrival: the first one waits longest. */
void
core_sit(struct seat *seat, bool only_protected)
{
	struct post *post = seat->post;

	seat->next = NULL;
	seat->prev = post->last[only_protected];
	if (seat->prev != NULL)
		seat->prev->next = seat;
	else
		post->first[only_protected] = seat;
	post->last[only_protected] = seat;
	post->waiting[only_protected]++;
}

void
core_rise(struct seat *seat, bool only_protected)
{
	struct post *post = seat->post;

	if (seat->next != NULL)
		seat->next->prev = seat->prev;
	else
		post->last[only_protected] = seat->prev;
	if (seat->prev != NULL)
		seat->prev->next = seat->next;
	else
		post->first[only_protected] = seat->next;
	post->waiting[only_protected]--;
}
