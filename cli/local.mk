# One line per module: libcli_a_SOURCES += cli/NAME.c cli/NAME.h
noinst_LIBRARIES += libcli.a
bin_PROGRAMS += pawl

# main.c stays outside the library, so that a test can link the rest
libcli_a_SOURCES =
libcli_a_SOURCES += cli/assign.c cli/assign.h
libcli_a_SOURCES += cli/command.c cli/command.h
libcli_a_SOURCES += cli/commands.c cli/commands.h
libcli_a_SOURCES += cli/expr.c
libcli_a_SOURCES += cli/graph.c
libcli_a_SOURCES += cli/help.c
libcli_a_SOURCES += cli/ids.c cli/ids.h
libcli_a_SOURCES += cli/folder.c cli/folder.h
libcli_a_SOURCES += cli/lint.c cli/lint.h
libcli_a_SOURCES += cli/kept.c cli/kept.h
libcli_a_SOURCES += cli/lines.c cli/lines.h
libcli_a_SOURCES += cli/list.c
libcli_a_SOURCES += cli/list_format.c cli/list_format.h
libcli_a_SOURCES += cli/local.c cli/local.h
libcli_a_SOURCES += cli/local_child.c
libcli_a_SOURCES += cli/local_jobs.c
libcli_a_SOURCES += cli/project.c cli/project.h
libcli_a_SOURCES += cli/project_event.c cli/project_event.h
libcli_a_SOURCES += cli/remote_url.c cli/remote_url.h
libcli_a_SOURCES += cli/report.c cli/report.h
libcli_a_SOURCES += cli/run.c
libcli_a_SOURCES += cli/screen.c cli/screen.h cli/screen_internal.h
libcli_a_SOURCES += cli/screen_json.c
libcli_a_SOURCES += cli/select.c cli/select.h
libcli_a_SOURCES += cli/server.c
libcli_a_SOURCES += cli/show.c
libcli_a_SOURCES += cli/summary.c
libcli_a_SOURCES += cli/why.c
libcli_a_SOURCES += cli/worktree.c cli/worktree.h

pawl_SOURCES = cli/main.c
pawl_LDFLAGS = $(AM_LDFLAGS) -pie
