# One line per module: libcli_a_SOURCES += cli/NAME.c cli/NAME.h
noinst_LIBRARIES += libcli.a
bin_PROGRAMS += pawl

# main.c stays outside the library, so that a test can link the rest
libcli_a_SOURCES =

pawl_SOURCES = cli/main.c
pawl_LDFLAGS = $(AM_LDFLAGS) -pie
