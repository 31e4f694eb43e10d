#!/bin/bash
# The figures for Prometheus: their format, and what each says while jobs wait for one
# reason or another, run and end.
set -eu

python3 "$SRC/tests/e2e/server-metrics.py" "$BUILD"
