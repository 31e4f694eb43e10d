/*
 * Opening libcurl: loading it takes 9 ms and a megabyte (TLS, Kerberos, LDAP, SSH), which
 * only a program that speaks to a server has to pay. It stays loaded: its libraries leave
 * threads and handlers behind.
 */
#include "config.h"

#include "base/http_lib.h"

#include <dlfcn.h>

int
http_lib_open(struct http_lib *l, struct error *err)
{
	l->handle = dlopen(PAWL_LIBCURL_SONAME, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	if (l->handle == NULL)
		return error_set(err, ERR_ENVIRONMENT,
		    "speaking to a server needs libcurl: %s", dlerror());
#define X(name)                                                                          \
	*(void **)&l->name = dlsym(l->handle, #name);                                    \
	if (l->name == NULL)                                                             \
		return error_set(err, ERR_ENVIRONMENT, "%s", dlerror());
	HTTP_FUNCTIONS(X)
#undef X
	if (l->curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERR_ENVIRONMENT, "libcurl cannot start");
	return 0;
}

void
http_lib_close(struct http_lib *l)
{
	if (l->handle != NULL)
		dlclose(l->handle);
	*l = (struct http_lib){ .handle = NULL };
}
