#!/bin/bash
# Further tries and what newer commits cancel: who decides, what is said of it, and that a
# restart knows it as well.
set -eu

python3 "$SRC/tests/e2e/server-tries.py" "$BUILD"
