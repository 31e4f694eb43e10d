# The executor `docker` and the program that speaks with the engine.
libexecutors_a_SOURCES += executors/docker/docker.c executors/docker/docker.h
libexecutors_a_SOURCES += executors/docker/engine.c executors/docker/engine.h
libexecutors_a_SOURCES += executors/docker/orders.c executors/docker/orders.h
libexecutors_a_SOURCES += executors/docker/pull.c executors/docker/pull.h

pkglibexec_PROGRAMS += pawl-docker
pawl_docker_SOURCES = executors/docker/main.c
pawl_docker_SOURCES += executors/docker/container.c executors/docker/container.h
pawl_docker_SOURCES += executors/docker/shared.c executors/docker/shared.h
pawl_docker_SOURCES += executors/init/packet.c executors/init/packet.h
pawl_docker_SOURCES += executors/stand_in.c executors/stand_in.h
pawl_docker_LDADD = libexecutors.a libbase-http-client.a libbase-json.a libbase.a \
	$(JANSSON_LIBS) $(UV_LIBS)
