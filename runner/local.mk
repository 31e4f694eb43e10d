# One line per module: librunner_a_SOURCES += runner/NAME.c runner/NAME.h
noinst_LIBRARIES += librunner.a

librunner_a_SOURCES =
librunner_a_SOURCES += runner/alternates.c runner/alternates.h
librunner_a_SOURCES += runner/artifacts.c runner/artifacts.h
librunner_a_SOURCES += runner/artifacts_pack.c
librunner_a_SOURCES += runner/build.c runner/build.h
librunner_a_SOURCES += runner/build_spec.c runner/build_spec.h
librunner_a_SOURCES += runner/build_words.c runner/build_words.h
librunner_a_SOURCES += runner/cache.c runner/cache.h
librunner_a_SOURCES += runner/collect.c runner/collect.h
librunner_a_SOURCES += runner/commit_choice.c runner/commit_choice.h
librunner_a_SOURCES += runner/commit_git.c runner/commit_git.h
librunner_a_SOURCES += runner/commit_set.c runner/commit_set.h
librunner_a_SOURCES += runner/commit_tree.c runner/commit_tree.h
librunner_a_SOURCES += runner/copy_place.c runner/copy_place.h
librunner_a_SOURCES += runner/duration.c runner/duration.h
librunner_a_SOURCES += runner/environment.c runner/environment.h
librunner_a_SOURCES += runner/fetch_script.c runner/fetch_script.h
librunner_a_SOURCES += runner/git_index.c runner/git_index.h
librunner_a_SOURCES += runner/identity.c runner/identity.h
librunner_a_SOURCES += runner/job_file.c runner/job_file.h
librunner_a_SOURCES += runner/jobdir.c runner/jobdir.h
librunner_a_SOURCES += runner/launcher.c runner/launcher.h
librunner_a_SOURCES += runner/layers.c runner/layers.h
librunner_a_SOURCES += runner/manager.c runner/manager.h
librunner_a_SOURCES += runner/remote_job.c runner/remote_job.h
librunner_a_SOURCES += runner/runner.c runner/runner.h
librunner_a_SOURCES += runner/script.c runner/script.h
librunner_a_SOURCES += runner/sender.c runner/sender.h
librunner_a_SOURCES += runner/settings.c runner/settings.h
librunner_a_SOURCES += runner/settings_custom.c runner/settings_custom.h
librunner_a_SOURCES += runner/settings_edit.c runner/settings_edit.h
librunner_a_SOURCES += runner/snapshot.c runner/snapshot.h
librunner_a_SOURCES += runner/snapshot_commit.c runner/snapshot_internal.h
librunner_a_SOURCES += runner/snapshot_git.c runner/snapshot_git.h
librunner_a_SOURCES += runner/snapshot_manifest.c runner/snapshot_manifest.h
librunner_a_SOURCES += runner/snapshot_scratch.c
librunner_a_SOURCES += runner/snapshot_slot.c runner/snapshot_slot.h
librunner_a_SOURCES += runner/source.c runner/source.h
librunner_a_SOURCES += runner/source_refs.c runner/source_refs.h
librunner_a_SOURCES += runner/supervisor.c runner/supervisor.h
librunner_a_SOURCES += runner/sweep.c runner/sweep.h
librunner_a_SOURCES += runner/transfer.c runner/transfer.h
librunner_a_SOURCES += runner/workspace.c runner/workspace.h

# the networked runner; main.c stays outside the library, so that a test can link the rest
pkglibexec_PROGRAMS += pawl-runner
pawl_runner_SOURCES = runner/main.c runner/main_options.c runner/main_options.h
pawl_runner_SOURCES += runner/main_register.c
pawl_runner_LDFLAGS = $(AM_LDFLAGS) -pie
pawl_runner_LDADD = librunner.a libsupervise.a libexecutors.a libprotocol.a libpipelines.a \
	libbase-http-client.a libbase-git.a libbase-archive.a libbase-hash.a libbase-json.a \
	libbase-regex.a libbase.a $(PAWL_FOREIGN_LIBS)
