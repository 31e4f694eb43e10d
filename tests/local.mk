include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/sim/local.mk

check_PROGRAMS += $(UNIT_TESTS)

# what scripts drive parts of pawl with that have no command of their own
check_PROGRAMS += tests/image-tool
tests_image_tool_SOURCES = tests/image_tool.c

# what a hostile job calls: starts in any image, as pawl-init does
check_PROGRAMS += tests/escape-tool
tests_escape_tool_SOURCES = tests/escape_tool.c
tests_escape_tool_CFLAGS = $(PAWL_INIT_CFLAGS)
tests_escape_tool_LDFLAGS = $(PAWL_INIT_LDFLAGS)
tests_escape_tool_LDADD =

# Cases and scripts are found, not listed: adding one is adding its file.
CASE_TESTS = `cd $(srcdir) && ls -d tests/cases/*/ 2>/dev/null | sed 's,/$$,,'`
E2E_TESTS = `cd $(srcdir) && ls tests/e2e/*.sh`
# those that take minutes begin first, so that no processor waits for the last of them
LONG_TESTS = tests/e2e/self.sh tests/e2e/docker-services.sh tests/e2e/real-cryptsetup.sh \
	tests/e2e/real-libslirp.sh tests/e2e/real-cmocka.sh tests/e2e/ordinary-user.sh \
	tests/e2e/without-mounts.sh tests/e2e/real-wayland.sh

EXTRA_DIST += tests/corpus-differences.md tests/accept tests/acceptance.tsv tests/env.sh tests/both-users.sh tests/busybox.sh tests/browser tests/build-images.sh tests/databases.sh tests/engine.sh tests/hosted.sh tests/jobs.sh tests/other-build.sh tests/registry.sh tests/sshd.sh tests/run tests/run-case tests/tsan.supp tests/tun.sh tests/without-mounts
EXTRA_DIST += tests/cases tests/e2e tests/escapes tests/real

.PHONY: check-programs quick list-tests soak accept cover

check-programs: all
	@$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS)

# what runs in seconds, without root and network
quick: check-programs
	@QUICK=1 $(srcdir)/tests/run $(UNIT_TESTS) $(SIM_TESTS) $(CASE_TESTS)

list-tests:
	@printf '%s\n' $(UNIT_TESTS) $(SIM_TESTS) $(CASE_TESTS)

# everything; comes after check_PROGRAMS
check-local:
	@$(srcdir)/tests/run $(LONG_TESTS) $(UNIT_TESTS) $(SIM_TESTS) $(CASE_TESTS) $(E2E_TESTS)

# tests that read SOAK do their full counts: seeds, kills, huge logs
soak: check-programs
	@SOAK=1 TEST_TIMEOUT=7200 $(srcdir)/tests/run $(UNIT_TESTS) $(SIM_TESTS) $(E2E_TESTS)

# each demand: met, short by how much, or not shown
accept: check-programs
	@$(srcdir)/tests/accept $(ID)

if COVER
cover: all
	@find . -name '*.gcda' -delete
	@$(MAKE) $(AM_MAKEFLAGS) check
	@gcovr --root $(srcdir) --exclude '.*tests/' --print-summary \
	    --html-details coverage.html . | grep -v '^---'
	@echo "Line by line: $(abs_builddir)/coverage.html"
else
cover:
	@echo "This build does not count lines: ./configure --enable-cover" >&2; exit 1
endif

clean-local:
	rm -rf tests/log tests/dev accept-log web-shots fuzz-corpus fuzz-found lint-cache demo-run
	find . -name '*.gc??' -delete

# what the real projects' tests fetched; make clean leaves it
distclean-local:
	rm -rf cache

CLEANFILES += coverage*.html coverage.css fuzz-*.log
