# One line per module: libpipelines_a_SOURCES += pipelines/NAME.c pipelines/NAME.h
noinst_LIBRARIES += libpipelines.a

libpipelines_a_SOURCES =
libpipelines_a_SOURCES += pipelines/config.h
libpipelines_a_SOURCES += pipelines/diag.c pipelines/diag.h
libpipelines_a_SOURCES += pipelines/document.h
libpipelines_a_SOURCES += pipelines/node.c pipelines/node.h
libpipelines_a_SOURCES += pipelines/plan.h
libpipelines_a_SOURCES += pipelines/provider.h
libpipelines_a_SOURCES += pipelines/vars.c pipelines/vars.h pipelines/vars_ref.h
libpipelines_a_SOURCES += pipelines/vars_expand.c
libpipelines_a_SOURCES += pipelines/vars_resolve.c
libpipelines_a_SOURCES += pipelines/why.h
libpipelines_a_SOURCES += pipelines/yaml.c
libpipelines_a_SOURCES += pipelines/yaml_problem.c pipelines/yaml_problem.h
libpipelines_a_SOURCES += pipelines/yaml_scalar.c pipelines/yaml_scalar.h
