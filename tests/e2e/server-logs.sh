#!/bin/bash
# Many who read whole logs at once hold up nobody else: server-logs.py.
set -eu
export PYTHONDONTWRITEBYTECODE=1
python3 "$SRC/tests/e2e/server-logs.py" "$BUILD"
