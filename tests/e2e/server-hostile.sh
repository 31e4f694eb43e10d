#!/bin/bash
# What harms a server is answered, and the server stays upright: heads without end, bodies
# of rubbish, odd refs, thousands of refs, a full disk, damaged files.
set -eu

python3 "$SRC/tests/e2e/server-hostile.py" "$BUILD" "${SOAK:+100000}"
