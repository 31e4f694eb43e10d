# One line per module: libscheduler_a_SOURCES += scheduler/NAME.c scheduler/NAME.h
noinst_LIBRARIES += libscheduler.a

libscheduler_a_SOURCES =
