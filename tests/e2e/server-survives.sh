#!/bin/bash
# A job outlives its server and its runner: both are killed while it runs, in every order,
# and its log arrives without a gap, its result and its artifacts as if nothing had been.
set -eu

python3 "$SRC/tests/e2e/server-survives.py" "$BUILD"
