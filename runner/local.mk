# One line per module: librunner_a_SOURCES += runner/NAME.c runner/NAME.h
noinst_LIBRARIES += librunner.a

librunner_a_SOURCES =
librunner_a_SOURCES += runner/artifacts.h
librunner_a_SOURCES += runner/build.c runner/build.h
librunner_a_SOURCES += runner/build_spec.c runner/build_spec.h
librunner_a_SOURCES += runner/cache.h
librunner_a_SOURCES += runner/duration.c runner/duration.h
librunner_a_SOURCES += runner/environment.c runner/environment.h
librunner_a_SOURCES += runner/jobdir.c runner/jobdir.h
librunner_a_SOURCES += runner/runner.h
librunner_a_SOURCES += runner/script.c runner/script.h
librunner_a_SOURCES += runner/snapshot.c runner/snapshot.h
librunner_a_SOURCES += runner/snapshot.h
librunner_a_SOURCES += runner/snapshot_git.c runner/snapshot_git.h
librunner_a_SOURCES += runner/snapshot_manifest.c runner/snapshot_manifest.h
librunner_a_SOURCES += runner/snapshot_scratch.c
librunner_a_SOURCES += runner/snapshot_slot.c runner/snapshot_slot.h
librunner_a_SOURCES += runner/supervisor.c runner/supervisor.h
librunner_a_SOURCES += runner/sweep.c runner/sweep.h
librunner_a_SOURCES += runner/workspace.c runner/workspace.h

# libc only: pawl-supervise is this and libbase.a; the runner and tests use parts of it
noinst_LIBRARIES += libsupervise.a
libsupervise_a_SOURCES = runner/supervisor/supervision.h runner/supervisor/wire.h
libsupervise_a_SOURCES += runner/supervisor/echo_watch.c runner/supervisor/echo_watch.h
libsupervise_a_SOURCES += runner/supervisor/files.c runner/supervisor/files.h
libsupervise_a_SOURCES += runner/supervisor/mask.c runner/supervisor/mask.h
libsupervise_a_SOURCES += runner/supervisor/mask_forms.c
libsupervise_a_SOURCES += runner/supervisor/matcher.c runner/supervisor/matcher.h
libsupervise_a_SOURCES += runner/supervisor/place.c
libsupervise_a_SOURCES += runner/supervisor/procs.c runner/supervisor/procs.h
libsupervise_a_SOURCES += runner/supervisor/pump.c
libsupervise_a_SOURCES += runner/supervisor/result.c
libsupervise_a_SOURCES += runner/supervisor/spawn.c
libsupervise_a_SOURCES += runner/supervisor/spec.h
libsupervise_a_SOURCES += runner/supervisor/spec_read.c
libsupervise_a_SOURCES += runner/supervisor/spec_write.c
libsupervise_a_SOURCES += runner/supervisor/steps.c
libsupervise_a_SOURCES += runner/supervisor/token_mask.c runner/supervisor/token_mask.h
libsupervise_a_SOURCES += runner/supervisor/trace.c runner/supervisor/trace.h

pkglibexec_PROGRAMS += pawl-supervise
pawl_supervise_SOURCES = runner/supervisor/main.c
pawl_supervise_LDFLAGS = $(AM_LDFLAGS) $(PAWL_SUPERVISE_LDFLAGS)
# jansson by its archive: it needs libc alone, and so the program still does
pawl_supervise_LDADD = libsupervise.a libbase-json.a libbase.a -l:libjansson.a
librunner_a_SOURCES += runner/artifacts.h
librunner_a_SOURCES += runner/cache.h
librunner_a_SOURCES += runner/snapshot.h
librunner_a_SOURCES += runner/workspace.h
pawl_supervise_LDADD = libsupervise.a libbase-json.a libbase.a $(JANSSON_ARCHIVE)
