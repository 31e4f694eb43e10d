#!/bin/bash
# kill -9 of a server under load, at any instant: what it told anyone is there afterwards.
# 15 rounds; 500 in make soak.
set -eu

python3 "$SRC/tests/e2e/server-kills.py" "$BUILD" "${SOAK:+500}"
