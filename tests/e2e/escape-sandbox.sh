#!/bin/bash
# What a hostile job in the sandbox tries (tests/escapes/), as root and as an ordinary user.
set -u
. "$SRC/tests/both-users.sh"
. "$SRC/tests/escapes/outside.sh"
trap outside_clear EXIT

if ! bwrap --unshare-user --ro-bind / / true 2>/dev/null; then
	echo "skipped: bubblewrap is not installed, or may not make user namespaces here"
	exit 77
fi

# the attempts are such that can succeed
if ! "$BUILD/tests/escape-tool" unshare-user || "$BUILD/tests/escape-tool" no-such; then
	echo 'the tool does not work'
	exit 1
fi

check() {
	outside_begin
	echo '  interruptible: false' | outside_repository
	attack -x sandbox
	outside_end
}

both_users
exit $wrong
