#!/bin/bash
# --enable-dev, by both compilers: our code compiles without a warning, a warning is an error,
# and ASan and UBSan end a program that misbehaves.
set -u

. "$SRC/tests/other-build.sh"

cat >warns.c <<'EOF'
int main(void) { int unused = 1; return 0; }
EOF
cat >overflows.c <<'EOF'
#include <limits.h>
int main(int argc, char **argv) { volatile int i = INT_MAX; (void)argv; i += argc; return 0; }
EOF
cat >frees.c <<'EOF'
#include <stdlib.h>
int main(void) { char *p = malloc(1); free(p); return *p; }
EOF
wrong=0

# fails WANT COMMAND…
fails() {
	local want=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "passed, and should have failed with $want: $*"
		wrong=1
	elif [[ $out != *"$want"* ]]; then
		printf 'wanted %s from %s, got:\n%s\n' "$want" "$*" "$out"
		wrong=1
	fi
}

for cc in gcc clang; do
	if ! type -P $cc >/dev/null; then
		echo "skipped: $cc is not installed"
		exit 77
	fi
	(enter_tree $cc && ../configure -q --enable-dev CC="$ccache$cc" && make -s -j"$(nproc)" all) >log 2>&1 || {
		cat log
		exit 1
	}
	read -ra flags < <(sed -n 's/^PAWL_CFLAGS = //p' tree/$cc/Makefile)
	fails '-Werror' $cc "${flags[@]}" -c -o /dev/null warns.c
	$cc "${flags[@]}" -w -o overflows overflows.c || wrong=1
	fails 'signed integer overflow' ./overflows
	$cc "${flags[@]}" -w -o frees frees.c || wrong=1
	fails 'heap-use-after-free' ./frees
done
exit $wrong
