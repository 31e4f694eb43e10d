/* Percent-encoding, and the parameters of a query. */
#include "base/http_server_internal.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte of the sequence "%XX" at text; 0 when there is none, or it is %00. */
static char
decode_byte(const char *text, size_t len)
{
	int high = len >= 3 && text[0] == '%' ? hex_digit(text[1]) : -1;
	int low = high >= 0 ? hex_digit(text[2]) : -1;

	return low < 0 ? '\0' : (char)(high * 16 + low);
}

char *
http_decode(const char *text, size_t len)
{
	cleanup_free char *out = xmalloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			c = decode_byte(text + i, len - i);
			i += 2;
		}
		if (c == '\0')
			return NULL;
		out[n++] = c;
	}
	out[n] = '\0';
	return take(out);
}

/* In place, up to a stop or the end; returns what follows it. */
static char *
decode_part(char *text, const char *stops, char *stop)
{
	size_t len = strcspn(text, stops), n = 0;

	*stop = text[len];
	for (size_t i = 0; i < len; i++) {
		char c = decode_byte(text + i, len - i);

		if (c != '\0')
			i += 2;
		else
			c = text[i] == '+' ? ' ' : text[i];
		text[n++] = c;
	}
	if (*stop != '\0')
		len++;
	text[n] = '\0';
	return text + len;
}

void
http_params_parse(struct http_params *p, const char *query)
{
	char *at = p->text = xstrdup(query);

	while (*at != '\0') {
		const char *name = at, *value = "";
		char stop;

		at = decode_part(at, "=&", &stop);
		if (stop == '=') {
			value = at;
			at = decode_part(at, "&", &stop);
		} else if (*name == '\0')
			continue; /* "&&" */
		GROW(p->items, p->count, p->cap);
		p->items[p->count++] = (struct http_param){ name, value };
	}
}

void
http_params_clear(struct http_params *p)
{
	free(p->items);
	free(p->text);
	*p = (struct http_params){ .count = 0 };
}
