#!/bin/bash
# Hostile trees of git (escape-git.py): by pawl run and by a push to a server.
set -u

export PAWL_EXECUTOR=shell
if bwrap --unshare-user --ro-bind / / true 2>/dev/null; then PAWL_EXECUTOR=sandbox; fi
python3 "$SRC/tests/e2e/escape-git.py" "$BUILD"
