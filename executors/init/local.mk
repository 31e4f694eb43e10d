# pawl-init starts inside containers, whatever lies in their image: a static program that
# knows nothing but libc, and never one with sanitizers.
pkglibexec_PROGRAMS += pawl-init
pawl_init_SOURCES = executors/init/init.h executors/init/main.c
pawl_init_SOURCES += base/descriptors.c base/descriptors.h
pawl_init_SOURCES += executors/init/enter.c executors/init/enter.h
pawl_init_SOURCES += executors/init/listens.c executors/init/listens.h
pawl_init_SOURCES += executors/init/packet.c executors/init/packet.h
pawl_init_CFLAGS = $(PAWL_INIT_CFLAGS)
pawl_init_LDFLAGS = $(PAWL_INIT_LDFLAGS)
pawl_init_LDADD =
