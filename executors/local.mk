# One line per module: libexecutors_a_SOURCES += executors/NAME.c executors/NAME.h
noinst_LIBRARIES += libexecutors.a

libexecutors_a_SOURCES =
libexecutors_a_SOURCES += executors/cage.c executors/cage.h
libexecutors_a_SOURCES += executors/executor.c executors/executor.h
libexecutors_a_SOURCES += executors/init/program.c executors/init/program.h
libexecutors_a_SOURCES += executors/sandbox.c executors/sandbox.h
libexecutors_a_SOURCES += executors/shell.c executors/shell.h

# the sandbox's system call filter, as bytes
noinst_PROGRAMS += make-filter
make_filter_SOURCES = executors/make_filter.c
make_filter_LDADD = $(SECCOMP_LIBS)
executors/sandbox_filter.h: make-filter$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) executors && ./make-filter$(EXEEXT) >$@.new && mv $@.new $@
executors/sandbox.$(OBJEXT): executors/sandbox_filter.h
CLEANFILES += executors/sandbox_filter.h
