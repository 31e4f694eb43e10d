#!/bin/bash
# Where root runs the tests, an ordinary user has to be able to do the same: overlays in a
# user namespace, file variables, the end of all processes.
set -eu

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: make check has run these tests as an ordinary user already"
	exit 77
fi
# a user nobody gave a name or a process to; what it runs lies where it may read
uid=61184
here=$(mktemp -d /tmp/pawl-user-XXXXXX)
trap 'chmod -R u+rwX "$here"; rm -rf "$here"' EXIT
mkdir "$here/bin" "$here/tmp"
cp "$BUILD/pawl-supervise" "$BUILD"/tests/unit/test_{place,endings,supervisor,layer,cache_layers,artifact_layers} "$here/bin/"
chmod 755 "$here" "$here/bin"
chown $uid:$uid "$here/tmp"

as_user() { # TEST…: one after the other
	local test
	for test; do
		TMPDIR=$here/tmp PAWL_LIBEXEC=$here/bin HOME=$here/tmp setpriv --reuid=$uid --regid=$uid \
		    --clear-groups -- env -C "$here/tmp" "$here/bin/test_$test" || return
	done
}
# two of them mostly wait
as_user endings >endings.log 2>&1 &
endings=$!
as_user supervisor >supervisor.log 2>&1 &
supervisor=$!
wrong=0
as_user place layer cache_layers artifact_layers || wrong=1
wait $endings || wrong=1
wait $supervisor || wrong=1
cat endings.log supervisor.log
exit $wrong
