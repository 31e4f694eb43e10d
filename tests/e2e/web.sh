#!/bin/bash
# The pages in a real browser: Debian's chromium, driven by playwright-core, judged by
# axe-core. Pictures of every page stay in web-shots/ of the build folder. How to add a
# page's test: tests/e2e/web/browse.mjs.
set -eu
export PYTHONDONTWRITEBYTECODE=1

modules=$("$SRC/tests/browser" "${PAWL_TEST_CACHE:-$BUILD/cache}") || {
	echo "$modules"
	exit 77
}
# Other tests make and remove network devices meanwhile; a browser that sees that breaks off
# what it loads (ERR_NETWORK_CHANGED): it has a network of its own.
alone=()
if unshare --net ip link set lo up 2>/dev/null; then
	# with nothing but lo it would take itself for offline
	alone=(unshare --net sh -c 'ip link set lo up
ip link add up0 type veth peer name up1 && ip link set up0 up && ip link set up1 up && ip addr add 192.0.2.1/24 dev up0
exec "$@"' sh)
fi
"${alone[@]}" python3 "$SRC/tests/e2e/web/run.py" "$BUILD" "$SRC" "$modules"
