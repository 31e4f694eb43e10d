#!/bin/bash
# Where nothing can be mounted pipelines run all the same, for root and for others: what
# has to do with workspaces is tested once more in such states.
set -u

chmod a+x "$TMPDIR" "$TMPDIR/.." # for the users of the tests inside
cd "$BUILD" || exit 1
cases=()
for case in "$SRC"/tests/cases/run-*; do cases+=("tests/cases/${case##*/}"); done
others=(tests/unit/test_{artifacts,cache,collect,copy_place,endings,place,supervisor,sweep,workspace}
    tests/e2e/{workspace,workspace-limits,run-ends,ordinary-user}.sh)

TEST_LOG=$TMPDIR/told "$SRC/tests/without-mounts" "$SRC/tests/run" "${cases[@]}" "${others[@]}" ||
    exit
TEST_LOG=$TMPDIR/tried "$SRC/tests/without-mounts" --unforeseen "$SRC/tests/run" "${cases[@]}"
