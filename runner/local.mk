# One line per module: librunner_a_SOURCES += runner/NAME.c runner/NAME.h
noinst_LIBRARIES += librunner.a

librunner_a_SOURCES =
librunner_a_SOURCES += runner/build.h
