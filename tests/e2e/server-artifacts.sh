#!/bin/bash
# Artifacts of a server with its own runner, item by item: what is matched, what comes out
# of the archive and at the next job, each kind of report, and an archive that wishes harm.
set -eu

python3 "$SRC/tests/e2e/server-artifacts.py" "$BUILD"
