# One line per module: libscheduler_a_SOURCES += scheduler/NAME.c scheduler/NAME.h
noinst_LIBRARIES += libscheduler.a

libscheduler_a_SOURCES =
libscheduler_a_SOURCES += scheduler/commit_files.c scheduler/commit_files.h
libscheduler_a_SOURCES += scheduler/compile.c scheduler/compile.h
libscheduler_a_SOURCES += scheduler/composite.c scheduler/composite.h
libscheduler_a_SOURCES += scheduler/core.c scheduler/core.h scheduler/core_internal.h
libscheduler_a_SOURCES += scheduler/core_actions.c
libscheduler_a_SOURCES += scheduler/core_process.c
libscheduler_a_SOURCES += scheduler/coverage.c scheduler/coverage.h
libscheduler_a_SOURCES += scheduler/dotenv.c scheduler/dotenv.h
libscheduler_a_SOURCES += scheduler/event.h
libscheduler_a_SOURCES += scheduler/predefined.c scheduler/predefined.h
libscheduler_a_SOURCES += scheduler/payload.c scheduler/payload.h
libscheduler_a_SOURCES += scheduler/store.h
libscheduler_a_SOURCES += scheduler/recipe.c scheduler/recipe.h
libscheduler_a_SOURCES += scheduler/variables_file.c scheduler/variables_file.h
