/* Filling and wrapping struct error. Messages too long for it are cut, never overrun. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>

int
error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return code;
}

int
error_errno(struct error *err, const char *fmt, ...)
{
	int saved = errno != 0 ? errno : EIO;
	va_list ap;
	size_t len;

	if (err == NULL)
		return -saved;
	err->code = -saved;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", strerror(saved));
	return -saved;
}

int
error_wrap(struct error *err, const char *fmt, ...)
{
	char inner[ERROR_MAX];
	va_list ap;
	size_t len;

	if (err == NULL)
		return ERR_FOREIGN;
	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", inner);
	return err->code;
}
