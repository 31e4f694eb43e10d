# Several small libraries, so that each program links what it uses.
noinst_LIBRARIES += libbase.a libbase-regex.a libbase-hash.a libbase-git.a \
	libbase-archive.a libbase-json.a libbase-http-client.a libbase-http-server.a

# libc only: the supervisor links this one and no other
libbase_a_SOURCES = base/banned.h base/base.h
libbase_a_SOURCES += base/arena.c base/arena.h
libbase_a_SOURCES += base/buf.c base/buf.h
libbase_a_SOURCES += base/crc32.c base/crc32.h
libbase_a_SOURCES += base/copy.c base/copy.h
libbase_a_SOURCES += base/descriptors.c base/descriptors.h
libbase_a_SOURCES += base/error.c base/error.h
libbase_a_SOURCES += base/glob.c base/glob.h
libbase_a_SOURCES += base/glob_compile.c base/glob_program.h
libbase_a_SOURCES += base/idmap.c base/idmap.h
libbase_a_SOURCES += base/iso_time.c base/iso_time.h
libbase_a_SOURCES += base/log.c base/log.h
libbase_a_SOURCES += base/map.c base/map.h
libbase_a_SOURCES += base/mem.c
libbase_a_SOURCES += base/overlay.c base/overlay.h
libbase_a_SOURCES += base/path.c base/path.h
libbase_a_SOURCES += base/process.c base/process.h
libbase_a_SOURCES += base/program.c base/program.h
libbase_a_SOURCES += base/ranked.c base/ranked.h
libbase_a_SOURCES += base/sha1.c base/sha1.h
libbase_a_SOURCES += base/str.c base/str.h
libbase_a_SOURCES += base/visible.c base/visible.h

# PCRE2
libbase_regex_a_SOURCES = base/regex.c base/regex.h
libbase_regex_a_SOURCES += base/regex_re2.c base/regex_re2.h

# jansson
libbase_json_a_SOURCES = base/json_writer.c base/json_writer.h

# libmicrohttpd, libuv
libbase_http_server_a_SOURCES = base/http_server.c base/http_server.h
libbase_http_server_a_SOURCES += base/http_server_accept.c
libbase_http_server_a_SOURCES += base/http_server_head.c
libbase_http_server_a_SOURCES += base/http_server_internal.h
libbase_http_server_a_SOURCES += base/http_server_listen.c
libbase_http_server_a_SOURCES += base/http_server_patrol.c
libbase_http_server_a_SOURCES += base/http_server_query.c
libbase_http_server_a_SOURCES += base/http_server_reply.c
libbase_http_server_a_SOURCES += base/http_server_request.c

# libsodium
libbase_hash_a_SOURCES = base/hash.c base/hash.h
libbase_hash_a_SOURCES += base/base64.c base/base64.h
libbase_hash_a_SOURCES += base/seal.c base/seal.h
libbase_hash_a_SOURCES += base/secret.c base/secret.h

# libgit2, opened at first use
libbase_git_a_SOURCES = base/git_backend.h
libbase_git_a_SOURCES += base/git.c base/git.h
libbase_git_a_SOURCES += base/git_lib.c
libbase_git_a_SOURCES += base/git_memo.c
libbase_git_a_SOURCES += base/git_program.c
libbase_git_a_SOURCES += base/git_text.c base/git_text.h

# libarchive, opened at first use
libbase_archive_a_SOURCES = base/archive.h
libbase_archive_a_SOURCES += base/archive_gunzip.c
libbase_archive_a_SOURCES += base/archive_lib.c base/archive_lib.h
libbase_archive_a_SOURCES += base/archive_look.c
libbase_archive_a_SOURCES += base/archive_pack.c
libbase_archive_a_SOURCES += base/archive_unpack.c

# libcurl, opened at first use, on libuv's loop
libbase_http_client_a_SOURCES = base/http_client.c base/http_client.h
libbase_http_client_a_SOURCES += base/http_lib.c base/http_lib.h
