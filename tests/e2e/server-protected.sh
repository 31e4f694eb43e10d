#!/bin/bash
# Protected branches and tags: who is one, and that protected variables and runners reach
# them alone.
set -eu

python3 "$SRC/tests/e2e/server-protected.py" "$BUILD"
