/* libcurl's functions, opened at first use. Only base/http_*.c include this. */
#ifndef BASE_HTTP_LIB_H
#define BASE_HTTP_LIB_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/error.h"

#define HTTP_FUNCTIONS(X)                                                                \
	X(curl_global_init)                                                              \
	X(curl_easy_init)                                                                \
	X(curl_easy_setopt)                                                              \
	X(curl_easy_getinfo)                                                             \
	X(curl_easy_strerror)                                                            \
	X(curl_easy_cleanup)                                                             \
	X(curl_multi_init)                                                               \
	X(curl_multi_setopt)                                                             \
	X(curl_multi_add_handle)                                                         \
	X(curl_multi_remove_handle)                                                      \
	X(curl_multi_socket_action)                                                      \
	X(curl_multi_assign)                                                             \
	X(curl_multi_info_read)                                                          \
	X(curl_multi_cleanup)                                                            \
	X(curl_slist_append)                                                             \
	X(curl_slist_free_all)

struct http_lib {
	void *handle;
#define X(name) __typeof__(name) *name;
	HTTP_FUNCTIONS(X)
#undef X
};

/* ERR_ENVIRONMENT: it is not installed. */
MUST_CHECK int http_lib_open(struct http_lib *l, struct error *err);
void http_lib_close(struct http_lib *l); /* a zeroed one is fine */

#endif
