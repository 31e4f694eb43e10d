# pawl-supervise starts once per job and needs libc alone; the runner and tests use parts
# of its library.
noinst_LIBRARIES += libsupervise.a
libsupervise_a_SOURCES = runner/supervisor/supervision.h runner/supervisor/wire.h
libsupervise_a_SOURCES += runner/supervisor/cage.c
libsupervise_a_SOURCES += runner/supervisor/cage_process.c runner/supervisor/cage_process.h
libsupervise_a_SOURCES += runner/supervisor/cgroup.c runner/supervisor/cgroup.h
libsupervise_a_SOURCES += runner/supervisor/cgroup_count.c runner/supervisor/cgroup_count.h
libsupervise_a_SOURCES += runner/supervisor/cgroup_file.c runner/supervisor/cgroup_file.h
libsupervise_a_SOURCES += runner/supervisor/cgroup_watch.c runner/supervisor/cgroup_watch.h
libsupervise_a_SOURCES += runner/supervisor/echo_watch.c runner/supervisor/echo_watch.h
libsupervise_a_SOURCES += runner/supervisor/environ.c
libsupervise_a_SOURCES += runner/supervisor/files.c runner/supervisor/files.h
libsupervise_a_SOURCES += runner/supervisor/fork_server.c runner/supervisor/fork_server.h
libsupervise_a_SOURCES += runner/supervisor/kept.c runner/supervisor/kept_wire.h
libsupervise_a_SOURCES += runner/supervisor/mask.c runner/supervisor/mask.h
libsupervise_a_SOURCES += runner/supervisor/mask_forms.c
libsupervise_a_SOURCES += runner/supervisor/matcher.c runner/supervisor/matcher.h
libsupervise_a_SOURCES += runner/supervisor/network.c runner/supervisor/network.h
libsupervise_a_SOURCES += runner/supervisor/place.c
libsupervise_a_SOURCES += runner/supervisor/procs.c runner/supervisor/procs.h
libsupervise_a_SOURCES += runner/supervisor/pump.c
libsupervise_a_SOURCES += runner/supervisor/recorder.c runner/supervisor/recorder.h
libsupervise_a_SOURCES += runner/supervisor/result.c
libsupervise_a_SOURCES += runner/supervisor/services.c
libsupervise_a_SOURCES += runner/supervisor/spawn.c
libsupervise_a_SOURCES += runner/supervisor/spec.h
libsupervise_a_SOURCES += runner/supervisor/spec_read.c
libsupervise_a_SOURCES += runner/supervisor/spec_write.c
libsupervise_a_SOURCES += runner/supervisor/steps.c
libsupervise_a_SOURCES += runner/supervisor/token_mask.c runner/supervisor/token_mask.h
libsupervise_a_SOURCES += runner/supervisor/trace.c runner/supervisor/trace.h
libsupervise_a_SOURCES += runner/supervisor/usage.c runner/supervisor/usage.h
libsupervise_a_SOURCES += runner/supervisor/usage_sample.c runner/supervisor/usage_sample.h

pkglibexec_PROGRAMS += pawl-supervise
pawl_supervise_SOURCES = runner/supervisor/main.c
pawl_supervise_LDFLAGS = $(AM_LDFLAGS) $(PAWL_SUPERVISE_LDFLAGS)
# jansson by its archive: that needs libc alone, too
pawl_supervise_LDADD = libsupervise.a libexecutors.a libbase-json.a libbase.a $(JANSSON_ARCHIVE)
