#!/bin/bash
# pawl's own pipeline builds and tests pawl, by pawl run, from a clean checkout: one compiler's
# half of it, all of it in make soak.
set -eu

if [ -n "${PAWL_TEST_SELF-}" ]; then
	echo "skipped: this is the pipeline's own test"
	exit 77
fi
# a tarball may be unpacked within somebody's repository
top=$(git -C "$SRC" rev-parse --show-toplevel 2>/dev/null) || top=
if [ "$top" != "$(realpath "$SRC")" ] || ! git -C "$SRC" rev-parse -q --verify HEAD >/dev/null; then
	echo "skipped: the source is no git repository (a tarball), so there is nothing to run a pipeline of"
	exit 77
fi
git clone -q "$SRC" pawl
cd pawl
git checkout -q -B main
pawl list --names
jobs=(--needs "quick: [gcc]")
if [ -n "${SOAK-}" ]; then jobs=(); fi
if [ -n "${CCACHE_DIR-}" ]; then
	jobs+=(-v "CCACHE_DIR=$CCACHE_DIR" -v CCACHE_NOHASHDIR=1 -v CCACHE_MAXSIZE=5G)
fi
pawl run "${jobs[@]}" >../out 2>&1 || { tail -60 ../out; exit 1; }
tail -20 ../out
# artifacts are newer than the source: what was built is tested, not built again
! grep -E '^quick: .* \| +CC ' ../out || { echo "quick built what build had built"; exit 1; }
[ -z "$(git status --short)" ]
