# Sourced by run and run-case: the same surroundings for everyone, so no settings of the
# user and no variables of a CI this runs in. Expects src and build to be set.
# The certificates this machine adds for node stay: npm fetches through them; so does the
# folder of what was compiled before, if ccache is given one.
# usage: clean_env SCRATCH COMMAND…

# shellcheck shell=bash disable=SC2154
clean_env() {
	mkdir -p "$1/home" "$1/tmp"
	local compiled=()
	if [ -n "${CCACHE_DIR-}" ]; then compiled=(CCACHE_DIR="$CCACHE_DIR" CCACHE_NOHASHDIR=1); fi
	env -i PATH="$build:$PATH" HOME="$1/home" TMPDIR="$1/tmp" LC_ALL=C.UTF-8 TZ=UTC TERM=dumb \
	    SRC="$src" BUILD="$build" PAWL_LIBEXEC="$build" \
	    PAWL_SHARED="${PAWL_SHARED:-$src/../shared}" \
	    PAWL_TEST_CACHE="${PAWL_TEST_CACHE-}" SEED="${SEED-}" ROUNDS="${ROUNDS-}" SOAK="${SOAK-}" QUICK="${QUICK-}" ONLY="${ONLY-}" CK_FORK=no CK_VERBOSITY=normal \
	    "${compiled[@]}" NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS-}" \
	    ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1" \
	    UBSAN_OPTIONS="print_stacktrace=1" \
	    TSAN_OPTIONS="suppressions=$src/tests/tsan.supp:die_after_fork=0" \
	    GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=Ann GIT_AUTHOR_EMAIL=ann@example.org \
	    GIT_COMMITTER_NAME=Ann GIT_COMMITTER_EMAIL=ann@example.org \
	    GIT_AUTHOR_DATE=2024-01-01T00:00:00Z GIT_COMMITTER_DATE=2024-01-01T00:00:00Z \
	    "${@:2}"
}
