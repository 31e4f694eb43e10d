# One line per module: libprotocol_a_SOURCES += protocol/NAME.c protocol/NAME.h
noinst_LIBRARIES += libprotocol.a

libprotocol_a_SOURCES =
libprotocol_a_SOURCES += protocol/job.c protocol/job.h
libprotocol_a_SOURCES += protocol/json.h
libprotocol_a_SOURCES += protocol/json_params.c protocol/json_params.h
libprotocol_a_SOURCES += protocol/json_shape.c protocol/json_shape.h protocol/json_shape_internal.h
libprotocol_a_SOURCES += protocol/payload_json.c
libprotocol_a_SOURCES += protocol/reason.c protocol/reason.h
libprotocol_a_SOURCES += protocol/request_json.c
libprotocol_a_SOURCES += protocol/status.c protocol/status.h
libprotocol_a_SOURCES += protocol/usage.c protocol/usage.h
