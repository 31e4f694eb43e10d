# What links libc alone; see the other lists for what needs more.
base_libbase_a_SOURCES = \
	base/arena.c \
	base/arena.h \
	base/base.h \
	base/buf.c \
	base/buf.h \
	base/error.c \
	base/error.h \
	base/log.c \
	base/log.h \
	base/map.c \
	base/map.h \
	base/mem.c \
	base/path.c \
	base/path.h \
	base/str.c \
	base/str.h
