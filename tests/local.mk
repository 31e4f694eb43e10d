include tests/unit/local.mk

check_PROGRAMS += $(UNIT_TESTS)

# Cases and scripts are found, not listed: adding one is adding its file.
CASE_TESTS = `cd $(srcdir) && ls -d tests/cases/*/ 2>/dev/null | sed 's,/$$,,'`
E2E_TESTS = `cd $(srcdir) && ls tests/e2e/*.sh`

EXTRA_DIST += tests/env.sh tests/run tests/run-case tests/cases tests/e2e tests/real

# what runs in seconds, without root and network
.PHONY: quick
quick: all
	@$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS)
	@$(srcdir)/tests/run $(UNIT_TESTS) $(CASE_TESTS)

check-local:
	@$(srcdir)/tests/run $(UNIT_TESTS) $(CASE_TESTS) $(E2E_TESTS)

clean-local:
	rm -rf tests/log
