#!/bin/bash
# Variables of projects and of the instance: made, changed, refused, and what of them
# reaches which job.
set -eu

python3 "$SRC/tests/e2e/server-variables.py" "$BUILD"
