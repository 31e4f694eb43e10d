# One line per module: libexecutors_a_SOURCES += executors/NAME.c executors/NAME.h
noinst_LIBRARIES += libexecutors.a

libexecutors_a_SOURCES =
libexecutors_a_SOURCES += executors/executor.c executors/executor.h
libexecutors_a_SOURCES += executors/shell.c executors/shell.h
