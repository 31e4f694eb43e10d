#!/bin/bash
# Resource groups in their four process modes, set over the API and kept over a crash.
set -eu

python3 "$SRC/tests/e2e/server-groups.py" "$BUILD"
