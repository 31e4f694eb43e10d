#!/bin/bash
# What the pages stand on: their files, sessions of browsers, and the stream of changes.
set -eu

python3 "$SRC/tests/e2e/server-pages.py" "$BUILD"
