/* Words between two threads. */
#include "runner/build_live.h"

#define EVERY_MS 200

static void
pass_on(struct build_live *l)
{
	cleanup_buf struct buf words = BUF_INIT;

	uv_mutex_lock(&l->lock);
	words = l->words;
	l->words = (struct buf)BUF_INIT;
	uv_mutex_unlock(&l->lock);
	if (words.len > 0)
		l->pass(words.data, words.len, l->data);
}

static void
on_timer(uv_timer_t *timer)
{
	pass_on(timer->data);
}

void
build_live_start(struct build_live *l, uv_loop_t *loop,
    void (*pass)(const char *text, size_t len, void *data), void *data)
{
	l->pass = pass;
	l->data = data;
	l->runs = true;
	uv_mutex_init(&l->lock);
	uv_timer_init(loop, &l->timer);
	l->timer.data = l;
	uv_timer_start(&l->timer, on_timer, EVERY_MS, EVERY_MS);
}

void
build_live_say(const char *line, void *live)
{
	struct build_live *l = live;

	uv_mutex_lock(&l->lock);
	buf_printf(&l->words, "%s\n", line);
	uv_mutex_unlock(&l->lock);
}

static void
on_closed(uv_handle_t *handle)
{
	struct build_live *l = handle->data;

	uv_mutex_destroy(&l->lock);
	buf_clear(&l->words);
	l->runs = false;
	l->stopped(l->data);
}

void
build_live_stop(struct build_live *l, void (*stopped)(void *data))
{
	l->stopped = stopped;
	pass_on(l);
	uv_close((uv_handle_t *)&l->timer, on_closed);
}
