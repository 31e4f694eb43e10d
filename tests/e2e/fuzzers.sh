#!/bin/bash
# Everything that reads strangers' bytes has a fuzzer (tests/fuzz): all are built, and each
# runs for a moment, for minutes with SOAK. What one finds is shown, with the bytes in base64.
set -u

. "$SRC/tests/other-build.sh"
if ! type -P clang >/dev/null; then
	echo 'skipped: clang is not installed'
	exit 77
fi
enter_tree fuzz
../configure -q --enable-fuzz CC="${ccache}clang" >log 2>&1 || { cat log; exit 1; }
seconds=2 status=0
if [ -n "${SOAK-}" ]; then seconds=300; fi
make -s -j2 fuzz SECONDS=$seconds >log 2>&1 || status=1
grep -v '^  [A-Z]* ' log
if ((status != 0)); then
	for file in fuzz-found/*; do
		if [ -e "$file" ]; then echo "$file: $(base64 -w 0 "$file")"; fi
	done
fi
exit $status
