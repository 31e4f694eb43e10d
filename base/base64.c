/* By libsodium. */
#include "base/base64.h"

#include <sodium.h>

bool
base64_decode(const char *text, struct buf *out)
{
	size_t len = strlen(text), got = 0;
	cleanup_free unsigned char *bytes = xmalloc(len + 1);

	if (sodium_base642bin(bytes, len + 1, text, len, " \r\n", &got, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    memchr(bytes, 0, got) != NULL)
		return false;
	buf_add(out, bytes, got);
	return true;
}

void
base64_encode(const void *data, size_t len, struct buf *out)
{
	size_t room = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
	cleanup_free char *text = xmalloc(room);

	sodium_bin2base64(text, room, data, len, sodium_base64_VARIANT_ORIGINAL);
	buf_add_str(out, text);
}
