#!/bin/bash
# JUnit reports that jobs upload: what is read of good ones, of wrong ones, of one that
# comes twice, and of one that the server was killed over.
set -eu

python3 "$SRC/tests/e2e/server-reports.py" "$BUILD"
