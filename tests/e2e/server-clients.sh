#!/bin/bash
# Clients that were written for GitLab drive a session each, against a server with a runner
# of its own: python3-gitlab as Debian has it, and @gitbeaker/rest from npm, which stays in
# $PAWL_TEST_CACHE (default: cache/ of the build folder). What is not there is skipped.
set -eu

cache=${PAWL_TEST_CACHE:-$BUILD/cache}
gitbeaker=40.6.0
ran=0

# Debian's own interpreter: another one in PATH does not see Debian's packages.
if /usr/bin/python3 -c 'import gitlab' 2>/dev/null; then
	/usr/bin/python3 "$SRC/tests/e2e/client_gitlab.py" "$BUILD"
	ran=1
else
	echo "skipped: python3-gitlab: not installed (build-aux/install-deps)"
fi

fetch_gitbeaker() {
	local at=$cache/npm/node_modules/@gitbeaker/rest/package.json
	if grep -q "\"version\": \"$gitbeaker\"" "$at" 2>/dev/null; then return 0; fi
	mkdir -p "$cache/npm"
	exec 9>"$cache/npm/lock"
	flock 9
	timeout 120 npm install --prefix "$cache/npm" --no-audit --no-fund --ignore-scripts \
	    --fetch-retries 1 \
	    "@gitbeaker/rest@$gitbeaker" >npm.log 2>&1
}

if ! type -P node >/dev/null || ! type -P npm >/dev/null; then
	echo "skipped: @gitbeaker/rest: no node and npm (build-aux/install-deps)"
elif ! fetch_gitbeaker; then
	echo "skipped: @gitbeaker/rest: npm cannot have it: $(tail -n 1 npm.log)"
else
	python3 "$SRC/tests/e2e/client_gitbeaker.py" "$BUILD" "$cache/npm"
	ran=1
fi

if [ $ran = 0 ]; then exit 77; fi
