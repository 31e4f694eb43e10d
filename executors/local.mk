# One line per module: libexecutors_a_SOURCES += executors/NAME.c executors/NAME.h
noinst_LIBRARIES += libexecutors.a

libexecutors_a_SOURCES =
libexecutors_a_SOURCES += executors/cage.c executors/cage.h
libexecutors_a_SOURCES += executors/container/bundle.c executors/container/bundle.h
libexecutors_a_SOURCES += executors/container/container.c executors/container/container.h
libexecutors_a_SOURCES += executors/container/image_ask.c
libexecutors_a_SOURCES += executors/container/image_auth.c executors/container/image_auth.h
libexecutors_a_SOURCES += executors/container/image_entrypoint.c executors/container/image_entrypoint.h
libexecutors_a_SOURCES += executors/container/image_fetch.c executors/container/image_fetch.h
libexecutors_a_SOURCES += executors/container/image_get.c
libexecutors_a_SOURCES += executors/container/image_layers.c
libexecutors_a_SOURCES += executors/container/image_lock.c
libexecutors_a_SOURCES += executors/container/image_manifest.c executors/container/image_manifest.h
libexecutors_a_SOURCES += executors/container/image_name.c executors/container/image_name.h
libexecutors_a_SOURCES += executors/container/image_pull.c
libexecutors_a_SOURCES += executors/container/image_record.c
libexecutors_a_SOURCES += executors/container/image_store.c executors/container/image_store.h
libexecutors_a_SOURCES += executors/container/image_store_internal.h
libexecutors_a_SOURCES += executors/container/image_sweep.c
libexecutors_a_SOURCES += executors/container/image_tidy.c
libexecutors_a_SOURCES += executors/container/image_terms.c executors/container/image_terms.h
libexecutors_a_SOURCES += executors/container/image_user.c executors/container/image_user.h
libexecutors_a_SOURCES += executors/container/image_volume.c executors/container/image_volume.h
libexecutors_a_SOURCES += executors/container/layer.c executors/container/layer.h
libexecutors_a_SOURCES += executors/container/layer_place.c executors/container/layer_place.h
libexecutors_a_SOURCES += executors/container/layer_stream.c executors/container/layer_stream.h
libexecutors_a_SOURCES += executors/container/oci_config.c executors/container/oci_config.h
libexecutors_a_SOURCES += executors/container/runtime.c executors/container/runtime.h
libexecutors_a_SOURCES += executors/container/runtime_copy.c executors/container/runtime_copy.h
libexecutors_a_SOURCES += executors/container/runtime_sweep.c
libexecutors_a_SOURCES += executors/container/services.c executors/container/services.h
libexecutors_a_SOURCES += executors/executor.c executors/executor.h
libexecutors_a_SOURCES += executors/init/program.c executors/init/program.h
libexecutors_a_SOURCES += executors/limits.c executors/limits.h
libexecutors_a_SOURCES += executors/orders.c executors/orders.h
libexecutors_a_SOURCES += executors/private_files.c executors/private_files.h
libexecutors_a_SOURCES += executors/sandbox.c executors/sandbox.h
libexecutors_a_SOURCES += executors/shell.c executors/shell.h
libexecutors_a_SOURCES += executors/volume.c executors/volume.h

# the sandbox's system call filter, as bytes
noinst_PROGRAMS += make-filter
make_filter_SOURCES = executors/make_filter.c
make_filter_LDADD = $(SECCOMP_LIBS)
executors/sandbox_filter.h: make-filter$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) executors && ./make-filter$(EXEEXT) >$@.new && mv $@.new $@
executors/sandbox.$(OBJEXT) executors/container/bundle.$(OBJEXT): executors/sandbox_filter.h
CLEANFILES += executors/sandbox_filter.h
