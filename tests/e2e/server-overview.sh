#!/bin/bash
# What the pages of projects and pipelines ask for: lists in one answer, the file that a
# pipeline was made from, single tests and their history.
set -eu

python3 "$SRC/tests/e2e/server-overview.py" "$BUILD"
