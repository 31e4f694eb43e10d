#!/bin/bash
# Pipelines that are deleted: their rows and files go, and nothing else; who is busy with
# one is told so.
set -eu

python3 "$SRC/tests/e2e/server-delete.py" "$BUILD"
