# Sourced by tests of repositories that are hosted elsewhere, after tests/sshd.sh, in the test's
# own folder: commands whose words are looked at, and pushes.
# shellcheck shell=bash

top=$PWD
fail() {
	echo "FAILED: $*"
	for file in "$top"/out "$top"/err "$top"/push.out "$top"/server.out "$top"/ssh/log; do
		echo "---- $file"
		tail -n 40 "$file" || true
	done
	exit 1
}
ends() { # CODE COMMAND…: into out and err
	local want=$1 got=0
	shift
	timeout 120 "$@" >"$top/out" 2>"$top/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "$*: ended with $got, not $want"
}
says() { grep -qF -- "$2" "$top/$1" || fail "$1 lacks: $2"; }
says_not() { ! grep -qF -- "$2" "$top/$1" || fail "$1 has: $2"; }
push() { timeout 120 git push "$@" >"$top/push.out" 2>&1 || fail "git push $*"; }
commit() { git commit -q --allow-empty -m "$1"; }
