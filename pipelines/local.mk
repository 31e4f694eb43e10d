# One line per module: libpipelines_a_SOURCES += pipelines/NAME.c pipelines/NAME.h
noinst_LIBRARIES += libpipelines.a

libpipelines_a_SOURCES =
