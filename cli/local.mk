# One line per module: libcli_a_SOURCES += cli/NAME.c cli/NAME.h
noinst_LIBRARIES += libcli.a
bin_PROGRAMS += pawl

# main.c stays outside the library, so that a test can link the rest
libcli_a_SOURCES =
libcli_a_SOURCES += cli/command.c cli/command.h
libcli_a_SOURCES += cli/commands.c cli/commands.h
libcli_a_SOURCES += cli/help.c
libcli_a_SOURCES += cli/lines.c cli/lines.h
libcli_a_SOURCES += cli/screen.c cli/screen.h cli/screen_internal.h
libcli_a_SOURCES += cli/screen_json.c
libcli_a_SOURCES += cli/summary.c

pawl_SOURCES = cli/main.c
pawl_LDFLAGS = $(AM_LDFLAGS) -pie
