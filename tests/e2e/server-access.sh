#!/bin/bash
# Who may not: every route of the server, asked by everyone who has no business there.
set -eu

python3 "$SRC/tests/e2e/server-access.py" "$BUILD" "$SRC"
