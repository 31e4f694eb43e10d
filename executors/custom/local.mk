# The executor `custom` and the program that calls drivers.
libexecutors_a_SOURCES += executors/custom/custom.c executors/custom/custom.h
libexecutors_a_SOURCES += executors/custom/orders.c executors/custom/orders.h

pkglibexec_PROGRAMS += pawl-custom
pawl_custom_SOURCES = executors/custom/main.c
pawl_custom_SOURCES += executors/custom/config.c
pawl_custom_SOURCES += executors/custom/driver.c executors/custom/driver.h
pawl_custom_SOURCES += executors/custom/env.c
pawl_custom_SOURCES += executors/custom/script.c
pawl_custom_SOURCES += executors/init/packet.c executors/init/packet.h
pawl_custom_SOURCES += executors/stand_in.c executors/stand_in.h
pawl_custom_LDADD = libexecutors.a libbase.a $(JANSSON_LIBS)
