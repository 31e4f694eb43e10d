/*
 * The files of the pages, as they lie in web/, compiled in. build-aux/embed makes the
 * table; nothing in them changes while the program runs. Any thread.
 */
#ifndef WEB_FILES_H
#define WEB_FILES_H

#include <stddef.h>

struct web_file {
	const char *path; /* below web/: "app.js" */
	const char *type;
	const char *etag; /* of the plain bytes, without quotes */
	const unsigned char *plain, *gzip;
	size_t plain_len, gzip_len;
};

extern const struct web_file web_files[]; /* ends with a path of NULL */

/* Names all of them together: another one means that a page is from another release. */
extern const char web_build[];

#endif
