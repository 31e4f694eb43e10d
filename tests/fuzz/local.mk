# One line per fuzzer: its source is the file of the same name plus .c, it defines
# LLVMFuzzerTestOneInput() and is linked with whatever it uses. Seeds lie in seeds/NAME/,
# words in NAME.dict; run says what else it is given.
FUZZERS =
FUZZERS += tests/fuzz/fuzz_config
FUZZERS += tests/fuzz/fuzz_expand
FUZZERS += tests/fuzz/fuzz_expr
FUZZERS += tests/fuzz/fuzz_glob
FUZZERS += tests/fuzz/fuzz_http_server
FUZZERS += tests/fuzz/fuzz_image_json
FUZZERS += tests/fuzz/fuzz_image_name
FUZZERS += tests/fuzz/fuzz_junit
FUZZERS += tests/fuzz/fuzz_layer
FUZZERS += tests/fuzz/fuzz_log
FUZZERS += tests/fuzz/fuzz_log_view
FUZZERS += tests/fuzz/fuzz_params
FUZZERS += tests/fuzz/fuzz_plan
FUZZERS += tests/fuzz/fuzz_protocol_json
FUZZERS += tests/fuzz/fuzz_yaml

LDFLAGS_FUZZ = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_config_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_expand_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_expr_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_glob_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_http_server_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_image_json_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_image_name_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_junit_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_layer_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_log_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_log_view_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_params_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_plan_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_protocol_json_LDFLAGS = $(LDFLAGS_FUZZ)
tests_fuzz_fuzz_yaml_LDFLAGS = $(LDFLAGS_FUZZ)

EXTRA_DIST += tests/fuzz/file_of.h tests/fuzz/run tests/fuzz/seeds
EXTRA_DIST += tests/fuzz/config.dict tests/fuzz/expand.dict tests/fuzz/expr.dict tests/fuzz/glob.dict
EXTRA_DIST += tests/fuzz/http_server.dict tests/fuzz/junit.dict tests/fuzz/log_view.dict tests/fuzz/params.dict
EXTRA_DIST += tests/fuzz/plan.dict tests/fuzz/protocol_json.dict tests/fuzz/yaml.dict

if FUZZ
noinst_PROGRAMS += $(FUZZERS)
endif

SECONDS = 60
.PHONY: fuzz
fuzz: $(FUZZERS)
	@$(srcdir)/tests/fuzz/run $(SECONDS) $(FUZZERS)
