# One line per test program: its source is the file of the same name plus .c, and it is
# linked with whatever it uses of the folders' libraries.
UNIT_TESTS =
if HAVE_CHECK
UNIT_TESTS += tests/unit/test_archive
UNIT_TESTS += tests/unit/test_artifacts
UNIT_TESTS += tests/unit/test_build
UNIT_TESTS += tests/unit/test_cache
UNIT_TESTS += tests/unit/test_collect
UNIT_TESTS += tests/unit/test_config_findings
UNIT_TESTS += tests/unit/test_config_parallel
UNIT_TESTS += tests/unit/test_config_values
UNIT_TESTS += tests/unit/test_conformance
UNIT_TESTS += tests/unit/test_copy
UNIT_TESTS += tests/unit/test_cli_parts
UNIT_TESTS += tests/unit/test_core
UNIT_TESTS += tests/unit/test_coverage
UNIT_TESTS += tests/unit/test_dotenv
UNIT_TESTS += tests/unit/test_duration
UNIT_TESTS += tests/unit/test_environment
UNIT_TESTS += tests/unit/test_expr
UNIT_TESTS += tests/unit/test_glob
UNIT_TESTS += tests/unit/test_hash
UNIT_TESTS += tests/unit/test_git
UNIT_TESTS += tests/unit/test_json_writer
UNIT_TESTS += tests/unit/test_lines
UNIT_TESTS += tests/unit/test_screen
UNIT_TESTS += tests/unit/test_predefined
UNIT_TESTS += tests/unit/test_regex
UNIT_TESTS += tests/unit/test_mask
UNIT_TESTS += tests/unit/test_place
UNIT_TESTS += tests/unit/test_rules
UNIT_TESTS += tests/unit/test_plan_json
UNIT_TESTS += tests/unit/test_plan
UNIT_TESTS += tests/unit/test_supervisor
UNIT_TESTS += tests/unit/test_slug
UNIT_TESTS += tests/unit/test_variables_file
UNIT_TESTS += tests/unit/test_snapshot
UNIT_TESTS += tests/unit/test_vars
UNIT_TESTS += tests/unit/test_visible
UNIT_TESTS += tests/unit/test_workspace
UNIT_TESTS += tests/unit/test_yaml
UNIT_TESTS += tests/unit/test_expand
UNIT_TESTS += tests/unit/test_graph
UNIT_TESTS += tests/unit/test_why_text
endif

# what several of them share
check_LIBRARIES += libunit.a
libunit_a_SOURCES =
libunit_a_SOURCES += tests/unit/built.c tests/unit/built.h
libunit_a_SOURCES += tests/unit/fixture.c tests/unit/fixture.h
libunit_a_SOURCES += tests/unit/memory_provider.c tests/unit/memory_provider.h
libunit_a_SOURCES += tests/unit/node_text.c tests/unit/node_text.h
libunit_a_SOURCES += tests/unit/plan_text.c tests/unit/plan_text.h
libunit_a_SOURCES += tests/unit/supervised.c tests/unit/supervised.h
libunit_a_SOURCES += tests/unit/workspace_bench.c tests/unit/workspace_bench.h

tests_unit_test_config_findings_LDADD = libunit.a $(LDADD)
tests_unit_test_config_parallel_LDADD = libunit.a $(LDADD)
tests_unit_test_config_values_LDADD = libunit.a $(LDADD)
tests_unit_test_archive_LDADD = libunit.a $(LDADD)
tests_unit_test_artifacts_LDADD = libunit.a $(LDADD)
tests_unit_test_cache_LDADD = libunit.a $(LDADD)
tests_unit_test_collect_LDADD = libunit.a $(LDADD)
tests_unit_test_copy_LDADD = libunit.a $(LDADD)
tests_unit_test_git_LDADD = libunit.a $(LDADD)
tests_unit_test_place_LDADD = libunit.a $(LDADD)
tests_unit_test_snapshot_LDADD = libunit.a $(LDADD)
tests_unit_test_supervisor_LDADD = libunit.a $(LDADD)
tests_unit_test_workspace_LDADD = libunit.a $(LDADD)
tests_unit_test_yaml_LDADD = libunit.a $(LDADD)
tests_unit_test_plan_LDADD = libunit.a $(LDADD)
tests_unit_test_plan_json_LDADD = libunit.a $(LDADD)
tests_unit_test_rules_LDADD = libunit.a $(LDADD)
tests_unit_test_graph_LDADD = libunit.a $(LDADD)
tests_unit_test_why_text_LDADD = libunit.a $(LDADD)
